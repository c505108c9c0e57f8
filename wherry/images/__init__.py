"""Saved images on the controller, and what must be sent of them.

archive.py    a saved archive: its image, its layers by digest
members.py    where each member of the archive lies in its file
manifest.py   what the archive says it holds, and whether that is so
cache.py      what was learned of an archive, kept as long as the file does not change
encoded.py    a layer's compressed bytes, made once for all hosts
"""
