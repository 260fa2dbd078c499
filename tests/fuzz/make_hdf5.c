/* HDF5 files from descriptions: see fuzz.h. */
#include "fuzz.h"
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ELEMENTS = 4096, MAX_LINES = 256, MAX_LINE = 4096, USER_BLOCK = 512 };

/* ---- words of a line ---- */

static char *word(char **at) {
  char *start = *at + strspn(*at, " \t\r"), *end = start + strcspn(start, " \t\r");
  *at = *end ? end + 1 : end;
  *end = 0;
  return start;
}

/* ---- types and values ---- */

static hid_t make_text(const char *length) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  const unsigned long n = strtoul(length, NULL, 10);
  H5Tset_cset(type, H5T_CSET_UTF8);
  H5Tset_size(type, *length ? (n > 0 && n < 4000 ? n : 1) : H5T_VARIABLE);
  return type;
}

static hid_t make_enumeration(void) {
  const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
  const char *const names[] = {"none", "by_id", "by_time"};
  for (int8_t i = 0; i < 3; i++) H5Tenum_insert(type, names[i], &i);
  return type;
}

static hid_t make_complex(void) {
  const hid_t type = H5Tcreate(H5T_COMPOUND, 16);
  H5Tinsert(type, "real", 0, H5T_NATIVE_DOUBLE);
  H5Tinsert(type, "imag", 8, H5T_NATIVE_DOUBLE);
  return type;
}

/* The type a file gets; -1: no such type. */
static hid_t make_type(const char *name) {
  const struct {
    const char *name;
    hid_t type;
  } numbers[] = {{"i1", H5T_STD_I8LE},   {"i2", H5T_STD_I16LE},  {"i4", H5T_STD_I32LE}, {"i8", H5T_STD_I64LE},
                 {"u1", H5T_STD_U8LE},   {"u2", H5T_STD_U16LE},  {"u4", H5T_STD_U32LE}, {"u8", H5T_STD_U64LE},
                 {"f4", H5T_IEEE_F32LE}, {"f8", H5T_IEEE_F64LE}, {"b8", H5T_IEEE_F64BE}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (strcmp(name, numbers[i].name) == 0) return H5Tcopy(numbers[i].type);
  if (name[0] == 's') return make_text(name + 1);
  if (strcmp(name, "e") == 0) return make_enumeration();
  return strcmp(name, "c") == 0 ? make_complex() : -1;
}

/* -1: wrong extents. */
static hid_t make_space(const char *extents, hsize_t *elements) {
  hsize_t dims[H5S_MAX_RANK];
  int rank = 0;
  *elements = 1;
  if (strcmp(extents, "-") == 0) return H5Screate(H5S_SCALAR);
  for (const char *at = extents; rank < 4; at++) {
    char *end;
    dims[rank] = strtoull(at, &end, 10);
    if (end == at) return -1;
    if (__builtin_mul_overflow(*elements, dims[rank++], elements)) return -1;
    if (*end != ',') break;
    at = end;
  }
  return rank > 0 ? H5Screate_simple(rank, dims, NULL) : -1;
}

/* Where values go: a dataset, or an attribute. */
typedef struct {
  hid_t object, type;
  bool attribute;
} place;

static void put(const place *p, hid_t type, const void *values) {
  if (p->attribute)
    H5Awrite(p->object, type, values);
  else
    H5Dwrite(p->object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

static void write_texts(const place *p, hsize_t n, char *values) {
  const bool variable = H5Tis_variable_str(p->type) > 0;
  const size_t size = variable ? sizeof(char *) : H5Tget_size(p->type);
  char *all = calloc(n + 1, size), nothing[] = "";
  for (hsize_t i = 0; all && i < n; i++) {
    char *value = *values ? word(&values) : nothing;
    if (variable)
      memcpy(all + i * size, &value, size);
    else
      memcpy(all + i * size, value, strlen(value) < size ? strlen(value) : size);
  }
  if (all) put(p, p->type, all);
  free(all);
}

static void write_numbers(const place *p, hsize_t n, char *values) {
  double *numbers = calloc(n + 1, sizeof *numbers);
  int64_t *whole = calloc(n + 1, sizeof *whole);
  const bool integers = H5Tget_class(p->type) == H5T_INTEGER;
  for (hsize_t i = 0; numbers && whole && i < n && *values; i++) {
    const char *value = word(&values);
    if (integers)
      whole[i] = value[0] == '-' ? strtoll(value, NULL, 10) : (int64_t)strtoull(value, NULL, 10);
    else
      numbers[i] = strtod(value, NULL);
  }
  const hid_t from = integers && H5Tget_sign(p->type) == H5T_SGN_NONE ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64;
  if (numbers && whole)
    put(p, integers ? from : H5T_NATIVE_DOUBLE, integers ? (void *)whole : (void *)numbers);
  free(numbers);
  free(whole);
}

static void write_values(const place *p, hsize_t n, char *values) {
  const H5T_class_t class = H5Tget_class(p->type);
  int8_t code[MAX_ELEMENTS] = {0};
  if (n > MAX_ELEMENTS) return; /* nothing was put there: zeros, which take no room */
  if (class == H5T_STRING) write_texts(p, n, values);
  if (class == H5T_INTEGER || class == H5T_FLOAT) write_numbers(p, n, values);
  for (hsize_t i = 0; class == H5T_ENUM && i < n && *values; i++)
    code[i] = (int8_t)(strtol(word(&values), NULL, 10) & 3);
  if (class == H5T_ENUM) put(p, p->type, code);
}

/* ---- lines ---- */

/* TYPE EXTENTS VALUES of a dataset at `path`, or of an attribute `name` of what is there. */
static void make_object(hid_t file, hid_t links, const char *path, const char *name, char *rest) {
  hsize_t n;
  const char *type_name = word(&rest), *extents = word(&rest);
  const hid_t type = make_type(type_name), space = type >= 0 ? make_space(extents, &n) : -1;
  if (space >= 0) {
    const place p = {
        name ? H5Acreate_by_name(file, path, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)
             : H5Dcreate2(file, path, type, space, links, H5P_DEFAULT, H5P_DEFAULT),
        type, name != NULL};
    if (p.object >= 0) write_values(&p, n, rest);
    if (p.object >= 0) name ? H5Aclose(p.object) : H5Dclose(p.object);
    H5Sclose(space);
  }
  if (type >= 0) H5Tclose(type);
}

static void take_line(hid_t file, hid_t links, char *line) {
  if (line[0] == '@') {
    char *rest = line + 1;
    const char *path = word(&rest), *name = word(&rest);
    make_object(file, links, path, name, rest);
    return;
  }
  char *rest = line;
  const char *path = word(&rest);
  if (path[0] != '/') return;
  if (strncmp(rest, "group", 5) == 0) {
    const hid_t group = H5Gcreate2(file, path, links, H5P_DEFAULT, H5P_DEFAULT);
    if (group >= 0) H5Gclose(group);
  } else if (strncmp(rest, "link ", 5) == 0) {
    word(&rest);
    H5Lcreate_soft(word(&rest), file, path, links, H5P_DEFAULT);
  } else {
    make_object(file, links, path, NULL, rest);
  }
}

/* What MATLAB writes before the HDF5 file. */
static void write_user_block(const char *path) {
  char head[USER_BLOCK] = "MATLAB 7.3 MAT-file, Platform: GLNXA64";
  memset(head + 39, ' ', 77);
  memcpy(head + 124, "\0\2IM", 4);
  FILE *file = fopen(path, "r+b");
  fuzz_require(file && fwrite(head, 1, sizeof head, file) == sizeof head, "a file cannot be written");
  fclose(file);
}

const char *fuzz_make_hdf5(const char *name, const char *description, size_t size) {
  const char *path = fuzz_path(name), *at = description, *end = description + size;
  const bool matlab = size >= 7 && memcmp(description, "!matlab", 7) == 0;
  const hid_t creation = H5Pcreate(H5P_FILE_CREATE), links = H5Pcreate(H5P_LINK_CREATE);
  char line[MAX_LINE];
  H5Pset_create_intermediate_group(links, 1);
  if (matlab) H5Pset_userblock(creation, USER_BLOCK);
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, H5P_DEFAULT);
  fuzz_require(file >= 0, "no HDF5 file can be made");
  for (int i = 0; i < MAX_LINES && (at = fuzz_line(at, end, line, sizeof line)); i++)
    take_line(file, links, line);
  H5Fclose(file);
  H5Pclose(creation);
  H5Pclose(links);
  if (matlab) write_user_block(path);
  return path;
}
