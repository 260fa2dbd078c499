/* The zip layout of The Virtual Brain: text members found by a part of their name, in any folder of the zip:
 * weights (regions x regions, row = target), tract_lengths (mm), centres or centers (label x y z), and where
 * present areas (mm2), volumes (mm3), cortical, hemispheres (0 left, 1 right). Other members are left alone.
 * Weights are kept as they stand, diagonal included; what untidy tables mean is decided by
 * cls_network_add_brain. */
#include "io/connectome_files.h"
#include "io/names.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum {
  MEMBER_WEIGHTS,
  MEMBER_LENGTHS,
  MEMBER_CENTRES,
  MEMBER_AREAS,
  MEMBER_VOLUMES,
  MEMBER_CORTICAL,
  MEMBER_HEMISPHERES,
  MEMBERS
};
static const struct {
  const char *key, *other; /* parts of a member's name that mark it */
  bool required;
} kinds[MEMBERS] = {{"weights", "weights", true},         {"tract_lengths", "tract_lengths", true},
                    {"centres", "centers", true},         {"areas", "areas", false},
                    {"volumes", "volumes", false},        {"cortical", "cortical", false},
                    {"hemispheres", "hemispheres", false}};

typedef struct {
  const char *path;
  zip_t *archive;
  int64_t index[MEMBERS]; /* -1: absent */
  uint32_t n;             /* regions: the number of columns of weights */
  size_t source_capacity, weight_capacity;
  uint64_t *row; /* rows of the weights as they are read, in the layout of cls_connectome */
  uint32_t *source;
  double *weight;
  uint64_t n_tracts;
  cls_connectome *connectome;
} tvb_reader;

/* ---- which member is what ---- */

static bool is_text(const char *base) {
  size_t n = strlen(base);
  return (n > 4 && strcmp(base + n - 4, ".txt") == 0) || (n > 4 && strcmp(base + n - 4, ".bz2") == 0);
}

/* 2: the name is the key and its extensions; 1: the key is part of it; 0: neither. */
static int match(const char *base, const char *key) {
  size_t n = strlen(key);
  if (strncmp(base, key, n) == 0 && base[n] == '.') return 2;
  return strstr(base, key) ? 1 : 0;
}

/* The best match of `kind`; two equally good ones are refused. */
static cls_status find_member(tvb_reader *r, int kind) {
  int best = 0;
  zip_int64_t members = zip_get_num_entries(r->archive, 0);
  r->index[kind] = -1;
  for (zip_int64_t i = 0; i < members; i++) {
    const char *name = zip_get_name(r->archive, (zip_uint64_t)i, 0);
    if (!name || strstr(name, "__MACOSX")) continue; /* resource forks that macOS adds */
    const char *base = cls_path_base(name);
    if (!is_text(base)) continue;
    int a = match(base, kinds[kind].key), b = match(base, kinds[kind].other), score = a > b ? a : b;
    CLS_CHECK(score == 0 || score != best, CLS_ERR_INPUT,
              "%s: members %s and %s both look like %s, expected one", r->path,
              zip_get_name(r->archive, (zip_uint64_t)r->index[kind], 0), name, kinds[kind].key);
    if (score > best) {
      best = score;
      r->index[kind] = i;
    }
  }
  CLS_CHECK(r->index[kind] >= 0 || !kinds[kind].required, CLS_ERR_INPUT,
            "%s: no member %s among %lld, expected %s.txt or %s.txt.bz2", r->path, kinds[kind].key,
            (long long)members, kinds[kind].key, kinds[kind].key);
  return CLS_OK;
}

/* ---- numbers in lines ---- */

static cls_status fail_token(const cls_zip_text *text, const tvb_reader *r, const char *member,
                             const char *token, const char *expected) {
  return cls_fail(CLS_ERR_INPUT, "%s: member %s: line %llu: %.40s: expected %s", r->path, member,
                  (unsigned long long)cls_zip_text_number(text), token, expected);
}

/* The next token of a line, ended by a zero byte in place; NULL at its end or at a comment. */
static char *next_token(char **at) {
  char *start = *at + strspn(*at, " \t\r\v\f");
  if (!*start || *start == '#') return NULL;
  char *end = start + strcspn(start, " \t\r\v\f");
  *at = *end ? end + 1 : end;
  *end = 0;
  return start;
}

/* strtod rounds correctly, so the value is the same everywhere. */
static cls_status parse_number(const cls_zip_text *text, const tvb_reader *r, const char *member,
                               const char *token, bool negative, double *value) {
  char *end = NULL;
  *value = strtod(token, &end);
  if (end == token || *end) return fail_token(text, r, member, token, "a number");
  if (!isfinite(*value)) return fail_token(text, r, member, token, "a finite number");
  if (!negative && *value < 0) return fail_token(text, r, member, token, "a number >= 0");
  return CLS_OK;
}

/* ---- matrices ---- */

typedef cls_status (*value_sink)(tvb_reader *r, uint32_t row, uint32_t column, double value);

static cls_status count_columns(tvb_reader *r, const char *line) {
  uint64_t n = 0;
  for (const char *p = line; *p && *p != '#'; n++) {
    p += strcspn(p, " \t\r\v\f");
    p += strspn(p, " \t\r\v\f");
  }
  CLS_CHECK(n < UINT32_MAX, CLS_ERR_LIMIT, "%s: %llu regions, expected less than 2^32", r->path,
            (unsigned long long)n);
  r->n = (uint32_t)n;
  return CLS_OK;
}

static cls_status read_row(tvb_reader *r, const cls_zip_text *text, const char *member, char *line,
                           uint32_t row, value_sink sink) {
  uint64_t column = 0;
  unsigned long long number = cls_zip_text_number(text);
  for (char *token = next_token(&line); token; token = next_token(&line), column++) {
    double value = 0;
    CLS_TRY(parse_number(text, r, member, token, false, &value));
    if (column < r->n) CLS_TRY(sink(r, row, (uint32_t)column, value));
  }
  CLS_CHECK(column == r->n, CLS_ERR_INPUT, "%s: member %s: line %llu: %llu values, expected %u (regions)",
            r->path, member, number, (unsigned long long)column, r->n);
  return CLS_OK;
}

/* A square matrix of numbers >= 0, handed on value by value. The first one read says how many regions. */
static cls_status read_matrix(tvb_reader *r, cls_zip_text *text, const char *member, value_sink sink) {
  uint64_t rows = 0;
  char *line = NULL;
  for (;; rows++) {
    CLS_TRY(cls_zip_text_line(text, &line));
    if (!line) break;
    if (r->n == 0) {
      CLS_TRY(count_columns(r, line));
      CLS_TRY(cls_alloc(&r->row, (size_t)r->n + 1, sizeof *r->row, "connectome rows"));
    }
    CLS_CHECK(rows < r->n, CLS_ERR_INPUT,
              "%s: member %s: line %llu: more than %u rows, expected as many as regions", r->path, member,
              (unsigned long long)cls_zip_text_number(text), r->n);
    CLS_TRY(read_row(r, text, member, line, (uint32_t)rows, sink));
  }
  CLS_CHECK(r->n > 0, CLS_ERR_INPUT, "%s: member %s: empty, expected a matrix", r->path, member);
  CLS_CHECK(rows == r->n, CLS_ERR_INPUT,
            "%s: member %s: line %llu: ends after %llu rows, expected %u (regions)", r->path, member,
            (unsigned long long)cls_zip_text_number(text), (unsigned long long)rows, r->n);
  return CLS_OK;
}

static cls_status keep_weight(tvb_reader *r, uint32_t row, uint32_t column, double value) {
  if (value > 0) {
    CLS_TRY(cls_grow(&r->source, &r->source_capacity, r->n_tracts + 1, sizeof *r->source, "tract sources"));
    CLS_TRY(cls_grow(&r->weight, &r->weight_capacity, r->n_tracts + 1, sizeof *r->weight, "tract weights"));
    r->source[r->n_tracts] = column;
    r->weight[r->n_tracts++] = value;
  }
  r->row[row + 1] = r->n_tracts;
  return CLS_OK;
}

/* Lengths come in the order of the tracts: n_tracts counts those filled in. */
static cls_status keep_length(tvb_reader *r, uint32_t row, uint32_t column, double value) {
  cls_connectome *c = r->connectome;
  if (r->n_tracts < c->row[row + 1] && c->source[r->n_tracts] == column) c->length_mm[r->n_tracts++] = value;
  return CLS_OK;
}

static cls_status read_weights(tvb_reader *r, cls_zip_text *text, const char *member) {
  CLS_TRY(read_matrix(r, text, member, keep_weight));
  CLS_TRY(cls_connectome_create(r->n, r->n_tracts, &r->connectome));
  memcpy(r->connectome->row, r->row, ((size_t)r->n + 1) * sizeof *r->row);
  if (r->n_tracts > 0) {
    memcpy(r->connectome->source, r->source, r->n_tracts * sizeof *r->source);
    memcpy(r->connectome->weight, r->weight, r->n_tracts * sizeof *r->weight);
  }
  for (uint32_t i = 0; i < r->n; i++) r->connectome->area_mm2[i] = r->connectome->volume_mm3[i] = NAN;
  return CLS_OK;
}

static cls_status read_lengths(tvb_reader *r, cls_zip_text *text, const char *member) {
  r->n_tracts = 0;
  return read_matrix(r, text, member, keep_length);
}

/* ---- lists with one entry per region ---- */

/* label x y z; further columns, which some files have, are left alone. */
static cls_status read_centre(tvb_reader *r, const cls_zip_text *text, const char *member, char *line,
                              uint32_t region) {
  char *label = next_token(&line);
  if (!label) return fail_token(text, r, member, "", "label x y z");
  r->connectome->names[region] = cls_format("%s", label);
  CLS_CHECK(r->connectome->names[region], CLS_ERR_MEMORY, "out of memory for region names");
  for (int d = 0; d < 3; d++) {
    char *token = next_token(&line);
    if (!token) return fail_token(text, r, member, label, "label x y z");
    CLS_TRY(parse_number(text, r, member, token, true, &r->connectome->centre_mm[region][d]));
  }
  return CLS_OK;
}

static cls_status read_centres(tvb_reader *r, cls_zip_text *text, const char *member) {
  uint64_t rows = 0;
  char *line = NULL;
  for (;; rows++) {
    CLS_TRY(cls_zip_text_line(text, &line));
    if (!line) break;
    CLS_CHECK(rows < r->n, CLS_ERR_INPUT,
              "%s: member %s: line %llu: more than %u centres, expected one per region", r->path, member,
              (unsigned long long)cls_zip_text_number(text), r->n);
    CLS_TRY(read_centre(r, text, member, line, (uint32_t)rows));
  }
  CLS_CHECK(rows == r->n, CLS_ERR_INPUT, "%s: member %s: %llu centres, expected %u (regions)", r->path,
            member, (unsigned long long)rows, r->n);
  return CLS_OK;
}

static cls_status set_value(tvb_reader *r, const cls_zip_text *text, const char *member, const char *token,
                            int kind, uint32_t region, double value) {
  cls_connectome *c = r->connectome;
  bool flag = kind == MEMBER_CORTICAL || kind == MEMBER_HEMISPHERES;
  if (flag && value != 0 && value != 1) return fail_token(text, r, member, token, "0 or 1");
  if (kind == MEMBER_AREAS) c->area_mm2[region] = value;
  if (kind == MEMBER_VOLUMES) c->volume_mm3[region] = value;
  if (kind == MEMBER_CORTICAL) c->cortical[region] = value != 0;
  if (kind == MEMBER_HEMISPHERES) c->hemisphere[region] = value != 0;
  return CLS_OK;
}

/* One number >= 0 per region, however they are spread over lines. */
static cls_status read_list(tvb_reader *r, cls_zip_text *text, const char *member, int kind) {
  uint64_t count = 0;
  char *line = NULL;
  for (;;) {
    CLS_TRY(cls_zip_text_line(text, &line));
    if (!line) break;
    for (char *token = next_token(&line); token; token = next_token(&line), count++) {
      double value = 0;
      CLS_TRY(parse_number(text, r, member, token, false, &value));
      CLS_CHECK(count < r->n, CLS_ERR_INPUT,
                "%s: member %s: line %llu: more than %u values, expected one per region", r->path, member,
                (unsigned long long)cls_zip_text_number(text), r->n);
      CLS_TRY(set_value(r, text, member, token, kind, (uint32_t)count, value));
    }
  }
  CLS_CHECK(count == r->n, CLS_ERR_INPUT, "%s: member %s: %llu values, expected %u (regions)", r->path,
            member, (unsigned long long)count, r->n);
  return CLS_OK;
}

/* ---- the whole ---- */

static cls_status read_member(tvb_reader *r, int kind) {
  if (r->index[kind] < 0) return CLS_OK;
  zip_uint64_t index = (zip_uint64_t)r->index[kind];
  const char *name = zip_get_name(r->archive, index, 0);
  cls_zip_text *text = NULL;
  CLS_TRY(cls_zip_text_open(r->archive, r->path, index, name, &text));
  cls_status status;
  if (kind == MEMBER_WEIGHTS)
    status = read_weights(r, text, name);
  else if (kind == MEMBER_LENGTHS)
    status = read_lengths(r, text, name);
  else if (kind == MEMBER_CENTRES)
    status = read_centres(r, text, name);
  else
    status = read_list(r, text, name, kind);
  cls_zip_text_close(text);
  return status;
}

static cls_status read_archive(tvb_reader *r) {
  for (int kind = 0; kind < MEMBERS; kind++) CLS_TRY(find_member(r, kind));
  for (int kind = 0; kind < MEMBERS; kind++) CLS_TRY(read_member(r, kind));
  uint32_t renamed = 0;
  CLS_TRY(cls_names_make_unique(r->connectome->names, r->n, &renamed));
  const char *base = cls_path_base(r->path);
  r->connectome->origin =
      renamed ? cls_format("%s (%u repeated region names numbered)", base, renamed) : cls_format("%s", base);
  CLS_CHECK(r->connectome->origin, CLS_ERR_MEMORY, "out of memory for the origin of a connectome");
  return CLS_OK;
}

cls_status cls_connectome_read_tvb(const char *path, cls_connectome **connectome) {
  *connectome = NULL;
  int code = 0;
  tvb_reader r = {.path = path, .archive = zip_open(path, ZIP_RDONLY, &code)};
  if (!r.archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    cls_status failed =
        cls_fail(CLS_ERR_INPUT, "%s: damaged or cut-off zip: %s", path, zip_error_strerror(&error));
    zip_error_fini(&error);
    return failed;
  }
  cls_status status = read_archive(&r);
  zip_discard(r.archive);
  free(r.row);
  free(r.source);
  free(r.weight);
  if (status != CLS_OK) {
    cls_connectome_destroy(r.connectome);
    return status;
  }
  *connectome = r.connectome;
  return CLS_OK;
}
