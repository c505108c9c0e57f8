"""Images on a host: what `wherry load` and a deploy put there, and what containers stand on.

store.py      the images that are here: records, names, layers, what may go
reference.py  names of images, one spelling each
config.py     an image's configuration: checked before anything else is believed
garbage.py    what nothing refers to
archive.py    a saved archive (docker save, podman save) into the store
members.py    the members of an archive, from a file or from a pipe
receive.py    one layer: hashed and unpacked while it arrives, published when it is what its name says
unpack.py     the process that unpacks, shut into the layer's own directory
layer.py      what that process makes: the entries of a layer, whiteouts as overlayfs wants them
tar.py        headers of a tar stream
stream.py     bytes in order, compressed or not
staging.py    half-made things: out of sight, owned by a living process, removed when it is gone
api.py        what modules see as `host.images`
"""
