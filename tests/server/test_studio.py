import pytest
from PIL import Image


@pytest.fixture
def built(tmp_path):
    """What Vite leaves behind."""
    folder = tmp_path / "studio"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>studio</title>")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "index-1a2b3c.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def test_without_a_build_the_page_says_what_to_run(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert "make web" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text
    assert "style" not in answer.text  # which the policy would forbid
    assert client.get("/health").json()["status"] == "ok"


def test_a_build_is_served(built, client):
    answer = client.get("/")
    assert "<title>studio" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert client.get("/index.html").status_code == 200


def test_a_build_that_comes_later_is_served(client, request):
    assert "make web" in client.get("/").text
    request.getfixturevalue("built")
    assert "<title>studio" in client.get("/").text


def test_hashed_files_are_cached_for_ever(built, client):
    answer = client.get("/assets/index-1a2b3c.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/icon.svg").headers["cache-control"] == "no-cache"
    again = client.get(
        "/icon.svg", headers={"If-None-Match": client.get("/icon.svg").headers["etag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "/..%5csecret.txt"]
)
def test_nothing_beside_the_build_is_served(built, client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace("secret.txt", "")


def test_missing_files_are_problems(built, client):
    answer = client.get("/assets/gone.js")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_the_sample_is_a_portrait(client, portrait_path, tmp_path):
    answer = client.get("/sample.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content == portrait_path.read_bytes()
    copy = tmp_path / "sample.jpg"
    copy.write_bytes(answer.content)
    with Image.open(copy) as image:
        assert image.size == (512, 600)


def test_a_missing_sample_is_told(client, monkeypatch):
    monkeypatch.setattr("mien.assets.find_spec", lambda name: None)
    answer = client.get("/sample.jpg")
    assert answer.status_code == 404
    assert "pip install matplotlib" in answer.json()["error"]["hint"]
