"""The page of models is what the program prints, and tells what is so: equations are those of the headers, every model has a
source and figures, and every figure is asked for by the test that it names, which ctest runs.

  test_models.py CALLOSUM
"""
import pathlib
import re

from common import PROGRAM, ROOT, call, model_text, testing

PAGE = ROOT / "jobs" / "MODELS.md"
HEADERS = {"inhomogeneous_poisson": "poisson"}  # which share one
FIGURE = re.compile(r"^    (\w+) +\S.*: within (\S+).* \(tests/(\S+)\)$", re.MULTILINE)


def section(text, title):
    """Lines under a title, without their indentation."""
    found = re.search(rf"^  {title}\n((?:    .*\n)+)", text, re.MULTILINE)
    return [line[4:] for line in found.group(1).splitlines()] if found else []


def equations(check, name, text):
    header = (ROOT / "src" / "model" / f"{HEADERS.get(name, name)}.h").read_text(encoding="utf-8")
    comment = header[:header.index("#ifndef")]
    written = [line[5:].rstrip() for line in comment.splitlines() if line.startswith(" *   ")]
    lines = section(text, "equations")
    check(f"{name}: its equations are those of its header", lines and lines == written[:len(lines)] == written,
          f"{len(lines)} lines, {[a for a, b in zip(lines, written) if a != b]}")


def figures(check, name, text, registered):
    found = FIGURE.findall(text)
    check(f"{name}: every figure is read", found and len(found) == len(section(text, "tested")), f"{len(found)} figures")
    for key, _, test in found:
        path = ROOT / "tests" / test
        asked = re.search(rf'\b(?:hold|stated|spike_times)\([^;]*?"{key}"', path.read_text(encoding="utf-8")) \
            if path.exists() else None
        check(f"{name}, {key}: {test} asks for it", asked)
        program = re.sub(r"\.py$", "_py", test.replace("/", "_")).removesuffix(".c")
        check(f"{name}, {key}: ctest runs {program}", program in registered)


def main():
    with testing(__doc__) as (check, _):
        printed = call("models", "--markdown").stdout
        check("the page is what the program prints", PAGE.read_text(encoding="utf-8") == printed and len(printed) > 20000,
              f"{len(printed)} characters: callosum models --markdown > jobs/MODELS.md")
        names = re.findall(r"^(\w+): ", call("models").stdout, re.MULTILINE)
        check.equal("the page has every model", re.findall(r"^### (\w+)$", printed, re.MULTILINE), names)
        build = pathlib.Path(PROGRAM).parents[1] / "tests" / "CTestTestfile.cmake"
        registered = set(re.findall(r"^add_test\(\[*=*\[*([\w]+)", build.read_text(encoding="utf-8"), re.MULTILINE))
        for name in names:
            text = model_text(name)
            check(f"{name}: has a source and a method", re.search(r"^  source: \w", text, re.MULTILINE)
                  and len(section(text, "integration")) == 2)
            equations(check, name, text)
            figures(check, name, text, registered)
        for target in sorted(set(re.findall(r"\]\(([^)#]+)\)", printed))):
            check(f"link {target}", (PAGE.parent / target).exists())
        wrong = call("models", "lif_psc_exp", "adex")
        check("two names are refused", wrong.returncode == 2 and "argument adex: expected one name at most" in wrong.stderr)


main()
