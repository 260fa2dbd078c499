"""What the tests of the report share: running it, and what must hold of every page."""

import html
import os
import re
import subprocess
import sys
from urllib.parse import unquote

import h5py
import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "jobs", "report"))
sys.path.insert(0, HERE)

from matplotlib import image  # noqa: E402


def program(folder, status=0):
    """Runs `callosum report`; returns what it printed."""
    result = subprocess.run([sys.argv[1], "report", folder], capture_output=True, text=True, check=False)
    assert result.returncode == status, (result.returncode, result.stdout, result.stderr)
    if status:
        assert result.stdout == "" and result.stderr.count("\n") == 1, result.stderr
        assert result.stderr.startswith("callosum: report: "), result.stderr
        return result.stderr
    assert result.stderr == "", result.stderr
    return result.stdout


def report(folder, meanwhile=None):
    """The same in this process and with small pictures: much faster. `meanwhile` is called once the folder was looked
    at."""
    import report as book
    import run_folder
    import style
    style.DPI = 50
    run = run_folder.Run(folder)
    if meanwhile:
        meanwhile()
    with numpy.errstate(all="ignore"):
        path = book.make(run)
    assert path == os.path.join(folder, "report.html"), path
    for file in run.every_file.values():  # matplotlib keeps hold of the run for a while
        file.close()


def read_page(folder):
    with open(os.path.join(folder, "report.html"), encoding="utf-8") as file:
        return file.read()


def table(page):
    """{key of summary.json: value as printed}"""
    cells = re.findall(r'<tr data-key="(\w+)">.*?<td class="value">(.*?)</td>', page)
    return {key: html.unescape(value) for key, value in cells}


def caption(page, name):
    """The caption of a figure as text."""
    found = re.search(rf'<figure id="{name}">.*?<figcaption><p>(.*?)</p>', page, re.S)
    return html.unescape(re.sub(r"<[^>]*>", "", found.group(1)))


def check_page(folder, figures):
    """The page shows exactly these figures, needs no network, and all it refers to is there. Returns it."""
    page = read_page(folder)
    drawn = {name[:-4] for name in os.listdir(os.path.join(folder, "figures"))}
    assert drawn == figures, drawn ^ figures
    for name in figures:
        assert f'<figure id="{name}">' in page, name
        _check_picture(os.path.join(folder, "figures", name + ".png"), name)
    assert page.count('src="data:image/png;base64,') == len(figures)
    bare = re.sub(r'src="data:[^"]*"', "", page)
    assert "//" not in bare.replace("</", ""), "the page refers to something outside"
    assert not re.search(r"(<script|@import|url\(|<link|<iframe)", bare), "the page loads something"
    _check_links(folder, bare)
    assert bare.count("<img ") == len(re.findall(r'<img alt="[^"]{20,}" width="\d+" height="\d+"', bare))
    _check_tags(bare)
    assert not [name for name in os.listdir(folder) if name.endswith(".part")]
    return page


def _check_picture(path, name):
    pixels = image.imread(path)[..., :3]
    coloured = (numpy.ptp(pixels, axis=2) > 0.15).mean()  # axes and words are grey
    assert pixels.shape[1] >= 400 and pixels.std() > 0.03 and coloured > 0.0005, (name, pixels.std(), coloured)
    edge = numpy.concatenate([pixels[0].ravel(), pixels[-1].ravel(), pixels[:, 0].ravel(), pixels[:, -1].ravel()])
    assert edge.min() > 0.9, f"{name}: something is cut off at the edge"


def _check_links(folder, page):
    """Files and anchors that links name exist; so do the datasets beside them."""
    anchors = set(re.findall(r'id="([^"]*)"', page))
    links = re.findall(r'href="([^"]*)"', page)
    assert links
    for link in links:
        if link.startswith("#"):
            assert link[1:] in anchors, link
        else:
            assert os.path.exists(os.path.join(folder, unquote(link))), link
    for link, paths in re.findall(r'<a href="([^"]*\.h5)">[^<]*</a> <code>([^<]*)</code>', page):
        with h5py.File(os.path.join(folder, unquote(link)), "r") as file:
            for path in html.unescape(paths).split(" and "):
                assert path in file, (link, path)


def _check_tags(page):
    """Every element is closed, in order."""
    waiting = ["html"]
    for closing, tag in re.findall(r"<(/?)([a-z][a-z0-9]*)", page.split("</head>")[1]):
        if tag == "img":
            continue
        if not closing:
            waiting.append(tag)
        else:
            assert waiting and waiting.pop() == tag, tag
    assert waiting == [], waiting


def main(tests):
    """Runs every function named test_..., each with a folder of its own."""
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        for name, test in sorted(tests.items()):
            if name.startswith("test_"):
                if test.__code__.co_argcount:
                    test(os.path.join(folder, name))
                else:
                    test()
                print(f"{name}: passed", flush=True)
    return 0
