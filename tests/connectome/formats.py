"""Writers of the formats that connectomes and recordings come in, for tests: numpy, scipy and h5py alone."""
import bz2
import gzip
import pathlib
import struct
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


NIFTI_TYPES = {"uint8": 2, "int16": 4, "int32": 8, "float32": 16, "complex64": 32, "float64": 64, "int8": 256, "uint16": 512,
               "uint32": 768, "int64": 1024, "uint64": 1280}
SECONDS, MILLISECONDS = 8, 16


def nifti(path, image, version=1, order="<", tr=0.0, unit=0, slope=0.0, inter=0.0, xml=None, ndim=None):
    """NIfTI by hand: `image` [x, y, ...], of which x is written fastest; `tr` is the step of the fourth dimension."""
    dims = [ndim or image.ndim, *image.shape] + [1] * (7 - image.ndim)
    steps = [1.0, 1.0, 1.0, 1.0, tr, 1.0, 1.0, 1.0]
    kind, bits = NIFTI_TYPES[image.dtype.name], 8 * image.dtype.itemsize
    extension = b"" if xml is None else xml.encode() + b"\0" * (-(len(xml) + 8) % 16)
    if extension:
        extension = struct.pack(order + "2i", len(extension) + 8, 32) + extension
    offset = (352 if version == 1 else 544) + len(extension)
    if version == 1:
        head = struct.pack(order + "i36x8h3f4h8f3fh2B4f2i80x24x2h6f12f16x4s", 348, *dims, 0, 0, 0, 0, kind, bits, 0, *steps, offset, slope,
                           inter, 0, 0, unit, *[0] * 4, 0, 0, 0, 0, *[0] * 6, *[0] * 12, b"n+1\0")
        assert len(head) == 348
    else:
        head = struct.pack(order + "i8s2h8q3d8dq2d2d2d2q80x24x2i6d12d3i16xB15x", 540, b"n+2\0\r\n\x1a\n", kind, bits, *dims, 0, 0, 0, *steps,
                           offset, slope, inter, 0, 0, 0, 0, 0, 0, 0, 0, *[0] * 6, *[0] * 12, 0, unit, 0, 0)
        assert len(head) == 540, len(head)
    data = image.astype(image.dtype.newbyteorder(order)).tobytes(order="F")
    whole = head + bytes([1 if extension else 0, 0, 0, 0]) + extension + data
    with (gzip.open if str(path).endswith(".gz") else open)(path, "wb") as file:
        file.write(whole)


def ptseries(path, signal, names, step_s, order="<", turned=False, parcels="PARCELS"):
    """CIFTI-2: [time, parcel], a row for each parcel, or `turned` for each volume."""
    series = (f'<MatrixIndicesMap AppliesToMatrixDimension="{int(turned)}" IndicesMapToDataType="CIFTI_INDEX_TYPE_SERIES" '
              f'NumberOfSeriesPoints="{len(signal)}" SeriesExponent="-3" SeriesStart="0" SeriesStep="{step_s * 1000}" SeriesUnit="SECOND"/>')
    inner = "".join(f'<Parcel Name="{name}"><Vertices BrainStructure="CIFTI_STRUCTURE_CORTEX_LEFT">{i}</Vertices></Parcel>'
                    for i, name in enumerate(names))
    table = (f'<MatrixIndicesMap AppliesToMatrixDimension="{int(not turned)}" IndicesMapToDataType="CIFTI_INDEX_TYPE_{parcels}">{inner}'
             "</MatrixIndicesMap>")
    xml = f'<?xml version="1.0" encoding="UTF-8"?><CIFTI Version="2"><Matrix>{series}{table}</Matrix></CIFTI>'
    nifti(path, (signal.T if turned else signal)[None, None, None, None], version=2, order=order, xml=xml)
