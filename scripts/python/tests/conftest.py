import pytest


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def doctest_folder(doctest_namespace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
