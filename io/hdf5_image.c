#include "io/hdf5_image.h"
#include "io/hdf5_file.h"
#include <stdlib.h>
#include <string.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

enum { PAGE = 4096 };

typedef struct {
  uint64_t number;
  char *bytes; /* [PAGE] */
} page;

struct cls_h5_image_ {
  page *pages; /* by number */
  size_t n, capacity;
  hid_t driver;
  uint64_t length; /* of the file, as HDF5 has it */
};

/* How HDF5 finds the image when it opens the file. */
typedef struct {
  cls_h5_image *image;
} settings;

/* HDF5's own part comes first. */
typedef struct {
  H5FD_t base;
  cls_h5_image *image;
  haddr_t end_of_file; /* of what was written */
} image_file;

/* ---- pages ---- */

/* Where page `number` is or would be. */
static size_t find(const cls_h5_image *image, uint64_t number) {
  size_t low = 0, high = image->n;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (image->pages[middle].number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static char *page_at(cls_h5_image *image, uint64_t number) {
  const size_t i = find(image, number);
  if (i < image->n && image->pages[i].number == number) return image->pages[i].bytes;
  if (cls_grow(&image->pages, &image->capacity, image->n + 1, sizeof *image->pages, "pages") != CLS_OK)
    return NULL;
  char *bytes = calloc(1, PAGE);
  if (!bytes) return NULL;
  memmove(&image->pages[i + 1], &image->pages[i], (image->n - i) * sizeof *image->pages);
  image->pages[i] = (page){number, bytes};
  image->n++;
  return bytes;
}

void cls_h5_image_read(const cls_h5_image *image, uint64_t at, uint64_t n, void *bytes) {
  for (char *to = bytes; n > 0;) {
    const uint64_t within = at % PAGE, now = PAGE - within < n ? PAGE - within : n;
    const size_t i = find(image, at / PAGE);
    if (i < image->n && image->pages[i].number == at / PAGE)
      memcpy(to, image->pages[i].bytes + within, now);
    else
      memset(to, 0, now);
    to += now, at += now, n -= now;
  }
}

uint64_t cls_h5_image_length(const cls_h5_image *image) { return image->length; }

/* ---- the driver ---- */

static H5FD_t *open_image(const char *name, unsigned flags, hid_t access, haddr_t most) {
  (void)name, (void)flags, (void)most;
  const settings *s = H5Pget_driver_info(access);
  image_file *file = s ? calloc(1, sizeof *file) : NULL;
  if (!file) return NULL;
  file->image = s->image;
  return &file->base;
}

static herr_t close_image(H5FD_t *file) {
  free(file);
  return 0;
}

static herr_t query_image(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static haddr_t get_space(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const image_file *)file)->image->length;
}

static herr_t set_space(H5FD_t *file, H5FD_mem_t type, haddr_t end) {
  (void)type;
  ((image_file *)file)->image->length = end;
  return 0;
}

static haddr_t get_end(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const image_file *)file)->end_of_file;
}

static herr_t read_image(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n, void *bytes) {
  (void)type, (void)transfer;
  cls_h5_image_read(((const image_file *)file)->image, at, n, bytes);
  return 0;
}

static herr_t write_image(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n,
                          const void *bytes) {
  image_file *f = (image_file *)file;
  (void)type, (void)transfer;
  for (const char *from = bytes; n > 0;) {
    const size_t within = at % PAGE, now = PAGE - within < n ? PAGE - within : n;
    char *to = page_at(f->image, at / PAGE);
    if (!to) return -1;
    memcpy(to + within, from, now);
    from += now, at += now, n -= now;
  }
  if (at > f->end_of_file) f->end_of_file = at;
  return 0;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)600,
#endif
    .name = "callosum image",
    .maxaddr = ((haddr_t)1 << 62) - 1,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(settings),
    .open = open_image,
    .close = close_image,
    .query = query_image,
    .get_eoa = get_space,
    .set_eoa = set_space,
    .get_eof = get_end,
    .read = read_image,
    .write = write_image,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* ---- its use ---- */

cls_status cls_h5_image_create(const char *name, hid_t *file, cls_h5_image **image) {
  *file = -1;
  CLS_TRY(cls_alloc(image, 1, sizeof **image, "image of a file"));
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  const settings s = {*image};
  (*image)->driver = H5FDregister(&driver);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if ((*image)->driver >= 0 && H5Pset_driver(access, (*image)->driver, &s) >= 0)
    *file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  if (*file < 0) return cls_error_prefix(cls_h5_fail(-1, "creating the file"), "%s", name);
  return CLS_OK;
}

void cls_h5_image_destroy(cls_h5_image *image) {
  if (!image) return;
  if (image->driver > 0) H5FDunregister(image->driver);
  for (size_t i = 0; i < image->n; i++) free(image->pages[i].bytes);
  free(image->pages);
  free(image);
}
