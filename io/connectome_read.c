/* Connectomes by content: which reader a file needs, and what all readers share. */
#include "io/connectome_files.h"
#include "io/file.h"
#include "io/matrix_file.h"

#include <string.h>

typedef enum { KIND_ZIP, KIND_HDF5, KIND_MATLAB, KIND_MTX, KIND_TEXT } file_kind;
static const char *const kind_names[] = {"a zip of The Virtual Brain", "our HDF5 layout", "a MATLAB file",
                                         "a Matrix Market file", "text"};

const char *cls_path_base(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static cls_status find_kind(const char *path, file_kind *kind) {
  static const unsigned char hdf5_magic[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  unsigned char magic[8] = {0};
  size_t n;
  CLS_TRY(cls_file_head(path, magic, sizeof magic, &n));
  *kind = KIND_ZIP;
  if (n >= 4 && magic[0] == 'P' && magic[1] == 'K' && magic[2] < 9) return CLS_OK;
  *kind = KIND_HDF5;
  if (n == 8 && memcmp(magic, hdf5_magic, sizeof hdf5_magic) == 0) return CLS_OK;
  cls_matrix_kind matrix;
  CLS_TRY(cls_matrix_kind_of(path, &matrix));
  CLS_CHECK(
      matrix != CLS_MATRIX_UNKNOWN && matrix != CLS_MATRIX_NIFTI, CLS_ERR_INPUT,
      "%s: begins with the bytes %02x %02x %02x %02x, expected a connectome: a zip of The Virtual Brain, "
      "our HDF5 layout, MATLAB (v5 or v7.3), Matrix Market, or text (CSV, TSV)",
      path, magic[0], magic[1], magic[2], magic[3]);
  *kind = matrix == CLS_MATRIX_MATLAB ? KIND_MATLAB : matrix == CLS_MATRIX_MTX ? KIND_MTX : KIND_TEXT;
  return CLS_OK;
}

static cls_status check_format(const char *path, cls_connectome_format format, file_kind kind) {
  static const file_kind wanted[] = {
      [CLS_FORMAT_TVB] = KIND_ZIP,     [CLS_FORMAT_MATLAB] = KIND_MATLAB, [CLS_FORMAT_CSV] = KIND_TEXT,
      [CLS_FORMAT_MRTRIX] = KIND_TEXT, [CLS_FORMAT_BIDS] = KIND_TEXT,     [CLS_FORMAT_MTX] = KIND_MTX};
  if (format == CLS_FORMAT_ANY || kind == wanted[format]) return CLS_OK;
  if (format == CLS_FORMAT_TVB && kind == KIND_HDF5) return CLS_OK;
  return cls_fail(CLS_ERR_INPUT, "%s: is %s: expected %s", path, kind_names[kind],
                  kind_names[wanted[format]]);
}

/* Options that make sense for matrices only. */
static cls_status refuse_options(const char *path, const cls_connectome_options *o, file_kind kind) {
  const char *option = o->variable                            ? "variable"
                       : o->lengths                           ? "lengths"
                       : o->lengths_unit != CLS_UNIT_UNSTATED ? "lengths_unit"
                       : o->unassigned != CLS_UNASSIGNED_AUTO ? "unassigned"
                                                              : NULL;
  CLS_CHECK(!option, CLS_ERR_INPUT,
            "%s: is %s, which says by itself what '%s' would: expected no '%s' beside it", path,
            kind_names[kind], option ? option : "", option ? option : "");
  return CLS_OK;
}

static cls_status read_kind(const char *path, file_kind kind, const cls_connectome_options *o,
                            const cls_connectome *table, cls_notes *notes, bool *upper_only,
                            cls_connectome **c) {
  if (kind == KIND_ZIP || kind == KIND_HDF5) {
    CLS_TRY(refuse_options(path, o, kind));
    CLS_TRY(kind == KIND_ZIP ? cls_connectome_read_tvb(path, c) : cls_connectome_read_hdf5(path, c));
    cls_status status = cls_connectome_check(*c); /* what follows relies on the order of tracts */
    return status == CLS_OK ? CLS_OK : cls_error_prefix(status, "%s", path);
  }
  return cls_connectome_read_matrices(path, o, table, notes, upper_only, c);
}

static cls_status read_all(const char *path, const cls_connectome_options *o, const cls_connectome *table,
                           cls_notes *notes, cls_connectome **c) {
  file_kind kind;
  bool upper_only = false;
  CLS_TRY(find_kind(path, &kind));
  CLS_TRY(check_format(path, o->format, kind));
  CLS_TRY(read_kind(path, kind, o, table, notes, &upper_only, c));
  const bool is_matrix = kind != KIND_ZIP && kind != KIND_HDF5;
  cls_status status = cls_connectome_directions(*c, o, is_matrix, upper_only, notes);
  if (status != CLS_OK) return cls_error_prefix(status, "%s", path);
  if (table) CLS_TRY(cls_regions_apply(o->regions, table, notes, *c));
  status = cls_connectome_check(*c);
  return status == CLS_OK ? CLS_OK : cls_error_prefix(status, "%s", path);
}

cls_status cls_connectome_read(const char *path, const cls_connectome_options *options, cls_notes *notes,
                               cls_connectome **connectome) {
  static const cls_connectome_options defaults = {0};
  cls_connectome *table = NULL, *c = NULL;
  *connectome = NULL;
  if (!options) options = &defaults;
  if (options->regions) CLS_TRY(cls_regions_read(options->regions, notes, &table));
  const cls_status status = read_all(path, options, table, notes, &c);
  cls_connectome_destroy(table);
  if (status == CLS_OK)
    *connectome = c;
  else
    cls_connectome_destroy(c);
  return status;
}
