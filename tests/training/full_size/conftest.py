"""Files to begin with and a data set, made once for a module."""

import pytest

from ...helpers.real_videos import full_training


@pytest.fixture(scope="module")
def start_files(tmp_path_factory):
    return full_training.write_start_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return full_training.write_data(tmp_path_factory.mktemp("data") / "set")
