"""callosum report DIR: figures and a page from what a run left in a folder.

Writes DIR/report.html and DIR/figures/*.png, each complete or not at all, and prints the page's path. Exit status
0, 2 where the folder is not one of a run, 4 where a file cannot be written or a Python module is missing.
"""

import glob
import os
import sys
import tempfile
import time
import warnings

EXIT_INPUT, EXIT_IO = 2, 4


def main(arguments):
    if len(arguments) != 1:
        return fail(EXIT_INPUT, "report: expected one run folder: callosum report DIR")
    # Matplotlib keeps a cache of fonts under the home folder, where there is one it may write to.
    if "MPLCONFIGDIR" not in os.environ and not os.access(os.path.expanduser("~"), os.W_OK):
        os.environ["MPLCONFIGDIR"] = os.path.join(tempfile.gettempdir(), f"callosum-matplotlib-{os.getuid()}")
    warnings.simplefilter("ignore", RuntimeWarning)  # regions without spikes have correlations of 0/0
    try:
        from run_folder import BadRun, Run
        try:
            run = Run(arguments[0])
            import report  # after the folder was looked at: matplotlib takes a second to load
            print(report.make(run))
        except BadRun as error:
            return fail(EXIT_INPUT, f"report: {error}")
    except ImportError as error:
        return fail(EXIT_IO, f"report: {sys.executable} cannot load a module: {error}; install python3-h5py, "
                             "python3-numpy, python3-scipy and python3-matplotlib, or configure with "
                             "-DCALLOSUM_PYTHON=INTERPRETER")
    except KeyError as error:  # h5py names the dataset that is missing
        return fail(EXIT_INPUT, f"report: {arguments[0]}: a recording is not laid out as expected: {error}")
    except OSError as error:
        again = f"; the run still writes to {arguments[0]}: try again" if grows(arguments[0]) else ""
        return fail(EXIT_IO, f"report: {error}{again}")
    return 0


def grows(folder):
    """Whether recordings changed within a minute."""
    names = glob.glob(os.path.join(glob.escape(folder), "*.h5"))
    return any(time.time() - os.stat(name).st_mtime < 60 for name in names)


def fail(status, message):
    print(f"callosum: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
