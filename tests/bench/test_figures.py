"""A figure is a ratio of medians taken in one run, and says which bar was missed."""

import io
import json
import tarfile

from tests.bench import images
from tests.bench.figures import Figure


def test_ratios_are_of_medians_and_bars_are_judged():
    figure = Figure("run", "a thing", "ms", {"wherry": [9, 10, 90], "crun": [10, 10, 10], "podman": [99, 100, 101]})
    figure.bars = {"crun": 1.3, "podman": 0.09, "docker": 0.1}
    assert figure.ratio("podman") == 0.1 and figure.missed
    assert "bar 0.09: missed" in figure.to_text() and "bar 1.3: kept" in figure.to_text()


def test_a_profile_is_shown_only_where_a_bar_was_missed():
    kept = Figure("memory", "a thing", "kB", {"wherry": [400]}, limit=1024, profile="where it went")
    assert "where it went" not in kept.to_text()
    kept.limit = 300
    assert "where it went" in kept.to_text()


def test_a_peer_that_is_absent_is_named_with_the_reason():
    figure = Figure("run", "a thing", "ms", {"wherry": [1]}, skipped={"docker": "no daemon runs"})
    assert "docker" in figure.to_text() and "no daemon runs" in figure.to_text()
    assert json.loads(json.dumps(figure.to_json()))["skipped"] == {"docker": "no daemon runs"}


def test_the_benchmarks_image_is_an_archive_as_docker_saves_it(tmp_path):
    path = images.save(str(tmp_path / "a.tar"), "a:1", {"data": b"x"}, {"bin/sh": "busybox"})
    with tarfile.open(path) as archive:
        (entry,) = json.load(archive.extractfile("manifest.json"))
        assert entry["RepoTags"] == ["a:1"]
        with tarfile.open(fileobj=io.BytesIO(archive.extractfile("layer.tar").read())) as layer:
            assert sorted(layer.getnames()) == ["bin/sh", "data"]
