/* Series of regions in NIfTI files (versions 1 and 2, .nii or .nii.gz), read by libnifti2:
 *   an image with one place for each region in the first three dimensions, of which two are 1, and time in the fourth;
 *   an image of two dimensions;
 *   CIFTI-2, a series of parcels (.ptseries.nii), which has names of regions and the time between volumes in its XML.
 * Images of voxels are no series of regions, and are refused. */
#include "io/cifti.h"
#include "io/file.h"
#include "io/matrix_file.h"
#include <math.h>
#include <nifti/nifti2_io.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NIFTI_1 = 348, NIFTI_2 = 540 /* bytes of a header */ };
enum { MOST_ELEMENTS = 1 << 28, GZIP_RATIO = 1032 /* at best */ };

/* ---- shape ---- */

static cls_status shape_of_image(const char *path, const nifti_image *image, cls_matrix *matrix) {
  const int64_t *dim = image->dim;
  uint64_t side[8]; /* unused dimensions are 1 */
  int wide = 0;
  for (int d = 1; d <= 7; d++) side[d] = d <= dim[0] ? (uint64_t)dim[d] : 1;
  for (int d = 1; d <= 3; d++) wide += side[d] > 1;
  const bool flat = dim[0] == 2, series = dim[0] == 4 && wide <= 1;
  CLS_CHECK(flat || series, CLS_ERR_INPUT,
            "%s: an image of %llu x %llu x %llu voxels and %llu volumes: expected one series for each "
            "region, as %s",
            path, (unsigned long long)side[1], (unsigned long long)side[2], (unsigned long long)side[3],
            (unsigned long long)(side[4] * side[5] * side[6] * side[7]),
            "regions x 1 x 1 x volumes, or a CIFTI-2 .ptseries.nii");
  if (series && image->time_units == NIFTI_UNITS_SEC) matrix->tr_s = image->pixdim[4];
  if (series && image->time_units == NIFTI_UNITS_MSEC) matrix->tr_s = image->pixdim[4] * 1e-3;
  if (series && image->time_units == NIFTI_UNITS_USEC) matrix->tr_s = image->pixdim[4] * 1e-6;
  return flat ? cls_matrix_shape_of_entries(matrix, side[2], side[1])
              : cls_matrix_shape_of_entries(matrix, side[4], side[1] * side[2] * side[3]);
}

/* The first dimension of a CIFTI matrix is the place along a row, which NIfTI has fifth. */
static cls_status shape_of_cifti(const char *path, const nifti_image *image, cls_cifti *cifti,
                                 cls_matrix *matrix) {
  const int64_t *dim = image->dim;
  const bool rows = cifti->map[0] == CLS_CIFTI_SERIES && cifti->map[1] == CLS_CIFTI_PARCELS;
  const bool columns = cifti->map[0] == CLS_CIFTI_PARCELS && cifti->map[1] == CLS_CIFTI_SERIES;
  CLS_CHECK(rows || columns, CLS_ERR_INPUT, "%s: CIFTI, but no series of parcels: expected a .ptseries.nii",
            path);
  CLS_CHECK(dim[0] <= 6 && dim[1] == 1 && dim[2] == 1 && dim[3] == 1 && dim[4] == 1, CLS_ERR_INPUT,
            "%s: CIFTI of another shape: expected 1 x 1 x 1 x 1 x columns x rows", path);
  const uint64_t n_columns = dim[0] >= 5 ? (uint64_t)dim[5] : 1, n_rows = dim[0] >= 6 ? (uint64_t)dim[6] : 1;
  const unsigned long long parcels = rows ? n_rows : n_columns;
  CLS_CHECK(cifti->n_names == parcels, CLS_ERR_INPUT,
            "%s: %llu names of parcels for %llu series: expected as many", path,
            (unsigned long long)cifti->n_names, parcels);
  CLS_TRY(cls_matrix_shape_of_entries(matrix, n_rows, n_columns));
  matrix->tr_s = cifti->step_s;
  *(rows ? &matrix->row_names : &matrix->column_names) = cifti->names;
  cifti->names = NULL;
  cifti->n_names = 0;
  return CLS_OK;
}

static cls_status shape(const char *path, const nifti_image *image, cls_matrix *matrix) {
  for (int i = 0; i < image->num_ext; i++) {
    const nifti1_extension *extension = &image->ext_list[i];
    if (extension->ecode != NIFTI_ECODE_CIFTI || extension->esize <= 8) continue;
    cls_cifti cifti;
    CLS_TRY(cls_cifti_parse(extension->edata, (size_t)extension->esize - 8, path, &cifti));
    const cls_status status = shape_of_cifti(path, image, &cifti, matrix);
    cls_cifti_free(&cifti);
    return status;
  }
  return shape_of_image(path, image, matrix);
}

/* ---- numbers ---- */

static double element(int datatype, const void *data, uint64_t i) {
  switch (datatype) {
  case NIFTI_TYPE_UINT8:
    return ((const uint8_t *)data)[i];
  case NIFTI_TYPE_INT8:
    return ((const int8_t *)data)[i];
  case NIFTI_TYPE_UINT16:
    return ((const uint16_t *)data)[i];
  case NIFTI_TYPE_INT16:
    return ((const int16_t *)data)[i];
  case NIFTI_TYPE_UINT32:
    return ((const uint32_t *)data)[i];
  case NIFTI_TYPE_INT32:
    return ((const int32_t *)data)[i];
  case NIFTI_TYPE_UINT64:
    return (double)((const uint64_t *)data)[i];
  case NIFTI_TYPE_INT64:
    return (double)((const int64_t *)data)[i];
  case NIFTI_TYPE_FLOAT32:
    return ((const float *)data)[i];
  default:
    return ((const double *)data)[i];
  }
}

static bool real(int datatype) {
  static const int known[] = {NIFTI_TYPE_UINT8,   NIFTI_TYPE_INT8,   NIFTI_TYPE_UINT16, NIFTI_TYPE_INT16,
                              NIFTI_TYPE_UINT32,  NIFTI_TYPE_INT32,  NIFTI_TYPE_UINT64, NIFTI_TYPE_INT64,
                              NIFTI_TYPE_FLOAT32, NIFTI_TYPE_FLOAT64};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (datatype == known[i]) return true;
  return false;
}

/* Before memory is taken for them: may the file hold as many numbers as its header says? */
static cls_status check_size(const char *path, const nifti_image *image) {
  struct stat about;
  CLS_CHECK(stat(path, &about) == 0, CLS_ERR_INPUT, "%s: cannot be read", path);
  uint64_t n = 1;
  for (int d = 1; d <= 7 && d <= image->dim[0]; d++) {
    CLS_CHECK(image->dim[d] > 0 && (uint64_t)image->dim[d] <= MOST_ELEMENTS / n, CLS_ERR_INPUT,
              "%s: dimension %d is %lld: expected 1 or more, and at most 2^28 numbers", path, d,
              (long long)image->dim[d]);
    n *= (uint64_t)image->dim[d];
  }
  CLS_CHECK(n == (uint64_t)image->nvox, CLS_ERR_INPUT,
            "%s: damaged NIfTI header: %lld numbers in all, expected the %llu of its dimensions", path,
            (long long)image->nvox, (unsigned long long)n);
  CLS_CHECK(real(image->datatype), CLS_ERR_INPUT,
            "%s: numbers of NIfTI's type %d (%s): expected integers or real numbers", path, image->datatype,
            nifti_datatype_string(image->datatype));
  const bool packed = nifti_is_gzfile(path);
  const uint64_t needed = n * (uint64_t)image->nbyper, size = (uint64_t)about.st_size;
  CLS_CHECK(packed ? needed / GZIP_RATIO <= size
                   : image->iname_offset >= 0 && needed + (uint64_t)image->iname_offset <= size,
            CLS_ERR_INPUT,
            "%s: damaged or cut-off NIfTI file: %llu bytes cannot hold %llu numbers of %d bytes", path,
            (unsigned long long)size, (unsigned long long)n, image->nbyper);
  return CLS_OK;
}

/* The library's own way of loading them would put 0 for NaN, which is what is missing. */
static cls_status load(const char *path, nifti_image *image, void **data) {
  const size_t size = (size_t)image->nbyper;
  CLS_TRY(cls_alloc(data, (size_t)image->nvox, size, "numbers of a NIfTI file"));
  znzFile file = znzopen(path, "rb", nifti_is_gzfile(path));
  const bool read = !znz_isnull(file) && znzseek(file, (znz_off_t)image->iname_offset, SEEK_SET) >= 0 &&
                    znzread(*data, size, (size_t)image->nvox, file) == (size_t)image->nvox;
  znzclose(file);
  CLS_CHECK(read, CLS_ERR_INPUT, "%s: damaged or cut-off NIfTI file", path);
  if (size > 1 && image->byteorder != nifti_short_order())
    nifti_swap_Nbytes(image->nvox, image->nbyper, *data);
  return CLS_OK;
}

static cls_status take(const char *path, const nifti_image *image, const void *data, cls_matrix *matrix) {
  const bool scaled = image->scl_slope != 0 && isfinite(image->scl_slope) && isfinite(image->scl_inter);
  for (uint64_t i = 0; i < matrix->rows * matrix->columns; i++) {
    const double value = element(image->datatype, data, i);
    matrix->values[i] = scaled ? value * image->scl_slope + image->scl_inter : value;
    CLS_CHECK(!isinf(matrix->values[i]), CLS_ERR_INPUT,
              "%s: row %llu, column %llu is %g: expected a finite number", path,
              (unsigned long long)(i / matrix->columns) + 1, (unsigned long long)(i % matrix->columns) + 1,
              matrix->values[i]);
  }
  return CLS_OK;
}

static cls_status read_image(const char *path, nifti_image *image, cls_matrix *matrix) {
  void *data = NULL;
  CLS_TRY(check_size(path, image));
  CLS_TRY(shape(path, image, matrix));
  if (!(matrix->tr_s > 0) || !isfinite(matrix->tr_s)) matrix->tr_s = 0;
  cls_status status = load(path, image, &data);
  if (status == CLS_OK) status = take(path, image, data, matrix);
  free(data);
  return status;
}

/* The library trusts the count of dimensions, and writes behind the end of an array where it is wrong. */
static cls_status check_dimensions(const char *path) {
  char head[NIFTI_2];
  znzFile file = znzopen(path, "rb", nifti_is_gzfile(path));
  const size_t n = znz_isnull(file) ? 0 : znzread(head, 1, sizeof head, file);
  znzclose(file);
  const int version = n >= NIFTI_1 ? nifti_header_version(head, n) : 0;
  int64_t wide = 0;
  int16_t narrow = 0;
  int32_t length = 0;
  if (version == 1) {
    memcpy(&narrow, head + 40, sizeof narrow);
    if (narrow < 1 || narrow > 7) nifti_swap_2bytes(1, &narrow); /* written in the other order */
    wide = narrow;
  } else if (version == 2 && n == NIFTI_2) {
    memcpy(&length, head, sizeof length);
    memcpy(&wide, head + 16, sizeof wide);
    if (length != NIFTI_2) nifti_swap_8bytes(1, &wide);
  }
  CLS_CHECK(wide >= 1 && wide <= 7, CLS_ERR_INPUT,
            "%s: damaged NIfTI header: %lld dimensions: expected 1 to 7", path, (long long)wide);
  return CLS_OK;
}

cls_status cls_matrix_read_nifti(const char *path, cls_matrix *matrix) {
  nifti_set_debug_level(0);
  CLS_TRY(check_dimensions(path));
  nifti_image *image = nifti_image_read(path, 0);
  CLS_CHECK(image, CLS_ERR_INPUT, "%s: damaged NIfTI header, or not named .nii or .nii.gz", path);
  const cls_status status = read_image(path, image, matrix);
  nifti_image_free(image);
  return status;
}
