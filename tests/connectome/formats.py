"""Writers of the formats that connectomes and recordings come in, for tests: numpy, scipy and h5py alone."""
import bz2
import pathlib
import zipfile

import h5py
import numpy as np
import scipy.io
import scipy.sparse

HEAD_73 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024 HDF5 schema 1.00 ."


def matlab73(path, variables, **storage):
    """A v7.3 file as MATLAB writes it: HDF5 behind a user block of 512 bytes, matrices turned on their side, classes as
    attributes; sparse matrices as groups."""
    classes = {"float64": "double", "float32": "single", "bool": "logical"}
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            if scipy.sparse.issparse(value):
                value = value.tocsc()
                thing = file.create_group(name)
                thing.attrs["MATLAB_sparse"] = np.uint64(value.shape[0])
                thing["data"], thing["ir"], thing["jc"] = (value.data.astype("f8"), value.indices.astype("u8"),
                                                           value.indptr.astype("u8"))
                kind = "double"
            elif isinstance(value, str):
                thing, kind = file.create_dataset(name, data=np.frombuffer(value.encode("utf-16le"), "u2")[:, None]), "char"
            else:
                kind = classes.get(str(value.dtype), str(value.dtype))
                stored = value.astype("u1") if value.dtype == bool else value
                thing = file.create_dataset(name, data=stored.T, **(storage if min(stored.shape) > 3 else {}))
            text = h5py.h5t.C_S1.copy()  # ended by a zero byte, as MATLAB's
            text.set_size(len(kind))
            attribute = h5py.h5a.create(thing.id, b"MATLAB_class", text, h5py.h5s.create(h5py.h5s.SCALAR))
            attribute.write(np.array(kind.encode(), dtype=f"S{len(kind)}"), mtype=text)
    head = HEAD_73.ljust(116) + bytes(8) + b"\x00\x02IM"
    with open(path, "r+b") as file:
        file.write(head)


def matlab5(path, variables, compressed=True):
    scipy.io.savemat(path, variables, do_compression=compressed)


def text(path, matrix, separator, header=None, labels=None, corner=None, comment=None):
    """`corner`: stands above the labels; None: nothing does, as R has it."""
    lines = [f"# {comment}"] if comment else []
    if header is not None:
        lines.append(separator.join(([corner] if corner is not None else []) + list(header)))
    for i, row in enumerate(matrix):
        lines.append(separator.join(([labels[i]] if labels is not None else []) + [repr(float(v)) for v in row]))
    pathlib.Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def entries(path, matrix, header, names=None, base=1, transposed=False):
    """A list of entries; `names` None: numbers from `base` on."""
    lines = ["\t".join(header)]
    for i, j in np.argwhere(matrix != 0):
        ends = (j, i) if transposed else (i, j)
        lines.append("\t".join([names[k] if names else str(k + base) for k in ends] + [repr(float(matrix[i, j]))]))
    pathlib.Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def mtx(path, matrix):
    scipy.io.mmwrite(str(path), scipy.sparse.coo_matrix(matrix), precision=17)


def zipped(path, weights, lengths, regions, packed=()):
    """The Virtual Brain's layout; `regions` as below."""
    lines = lambda matrix: "\n".join(" ".join(repr(float(v)) for v in row) for row in matrix) + "\n"
    members = {"weights.txt": lines(weights), "tract_lengths.txt": lines(lengths),
               "centres.txt": "".join(f"{n} {x!r} {y!r} {z!r}\n" for n, (x, y, z) in zip(regions["name"], regions["xyz"])),
               "areas.txt": "".join(f"{float(a)!r}\n" for a in regions["area"])}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            data = content.encode()
            archive.writestr(name + ".bz2" if name in packed else name, bz2.compress(data) if name in packed else data)


def table(path, regions, separator="\t", order=None, leave_out=()):
    """The table of regions; `order`: rows in another order."""
    columns = {"name": regions["name"], "x": [p[0] for p in regions["xyz"]], "y": [p[1] for p in regions["xyz"]],
               "z": [p[2] for p in regions["xyz"]], "area": regions["area"], **{k: regions[k] for k in regions if k not in
                                                                                ("name", "xyz", "area")}}
    columns = {k: v for k, v in columns.items() if k not in leave_out}
    rows = range(len(regions["name"])) if order is None else order
    show = lambda v: v if isinstance(v, str) else repr(float(v))
    lines = [separator.join(columns)] + [separator.join(show(columns[c][i]) for c in columns) for i in rows]
    pathlib.Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
