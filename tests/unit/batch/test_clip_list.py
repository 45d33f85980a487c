"""The list of a batch, and its clips put into a workflow."""

import json

import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.tools.batch.clip_list import read_list
from keyvid_pack.tools.batch.graph import graph_for, identity, read_graph
from keyvid_pack.tools.environment import ROOT

DEMO = ROOT / "workflows" / "api" / "keyvid_demo.json"


@pytest.fixture
def files(tmp_path):
    for name in ("a.png", "b.png", "süß.wav", "b.wav"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def write(folder, text, name="list.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_and_lines_of_json_say_the_same(files):
    (files / "edit.json").write_text('{"version": 2}')
    table = write(
        files,
        "\ufeffname,image,sound,prompt,edit,seed\n"
        'x/one,a.png,süß.wav,"a dog, barking","0, 7, 12",5\n'
        ",b.png,b.wav,,edit.json,\n",
    )
    lines = [
        {"name": "x/one", "image": "a.png", "sound": "süß.wav", "prompt": "a dog, barking",
         "edit": "0, 7, 12", "seed": 5},
        {"image": "b.png", "sound": "b.wav", "edit": {"version": 2}},
    ]  # fmt: skip
    clips = read_list(table)
    assert read_list(write(files, "\n".join(map(json.dumps, lines)), "list.jsonl")) == clips
    one, two = clips
    assert one == ("x/one", files / "a.png", files / "süß.wav", "a dog, barking", "0, 7, 12", 5)
    assert two == ("b", files / "b.png", files / "b.wav", None, '{"version": 2}', None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image\nlost.png\n", "line 2 .* the image is lost.png, but there is no file"),
        ("image,sound\na.png,b.wav\na.png,b.wav\n", 'called "b", in line 2 .* and line 3'),
        ("name,image\nA,a.png\na,b.png\n", "Two clips"),
        ("picture\na.png\n", "the column 'picture'"),
        ("name,image\n../x,a.png\n", "cannot be a file's"),
        ("name,image\nx:y,a.png\n", "cannot be a file's"),
        ("prompt\nhello\n", "cannot be a file's"),
        ("image,seed\na.png,-3\n", "the seed is -3"),
        ("image,prompt\na.png,a dog, barking\n", 'Line 2 .* more cells .* in quotes: "a dog'),
        ("image,edit\na.png,latin.json\n", "line 2 .* latin.json, which cannot be read .* UTF-8"),
        ("name,image\n", "no clips"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(files, text, said):
    (files / "latin.json").write_bytes('{"prompt": "süß"}'.encode("latin-1"))
    with pytest.raises(KeyVIDError, match=said):
        read_list(write(files, text))
    with pytest.raises(KeyVIDError, match="Line 1 .* no JSON"):
        read_list(write(files, "{", "list.jsonl"))


def test_a_clip_is_put_into_the_workflow(files):
    graph = read_graph(DEMO)
    before = json.dumps(graph)
    text = 'name,image,sound,prompt,edit,seed\none,a.png,b.wav,hello,"0, 7",40\ntwo,a.png,b.wav,hello,"0, 7",41\n'
    one, two = read_list(write(files, text))
    filled, sent = graph_for(graph, one)
    assert json.dumps(graph) == before
    image, sound = filled["13"]["inputs"]["image"], filled["2"]["inputs"]["audio"]
    assert sent == {image: files / "a.png", sound: files / "b.wav"}
    assert filled["102:11"]["inputs"]["text"] == "hello"
    assert filled["102:12"]["inputs"]["text"] == ""
    assert filled["7"]["inputs"]["edit"] == "0, 7"
    assert [filled[key]["inputs"]["noise_seed"] for key in ("102:16", "103:26")] == [40, 41]
    again, _ = graph_for(graph, one)
    assert identity(again) == identity(filled) != identity(graph_for(graph, two)[0])
    (files / "a.png").write_bytes(b"another image under the same name")
    assert identity(graph_for(graph, one)[0]) != identity(filled)


def test_a_workflow_without_a_place_for_it_is_refused(files):
    graph = read_graph(ROOT / "workflows" / "api" / "keyvid_timing.json")
    (clip,) = read_list(write(files, "image,prompt\na.png,hello\n"))
    with pytest.raises(KeyVIDError, match="has a prompt, but the workflow has 0 texts"):
        graph_for(graph, clip)
    (clip,) = read_list(write(files, "image,seed\na.png,3\n"))
    with pytest.raises(KeyVIDError, match="no Random Noise"):
        graph_for(graph, clip)
    del graph["6"]
    (clip,) = read_list(write(files, "image\na.png\n"))
    with pytest.raises(KeyVIDError, match="one node LoadImage, but it has 0"):
        graph_for(graph, clip)
    with pytest.raises(KeyVIDError, match="not in API form"):
        read_graph(ROOT / "workflows" / "keyvid_demo.json")
