#include "io/empirical.h"
#include "io/connectome_files.h"
#include "io/matrix_file.h"
#include "io/names.h"
#include "io/sidecar.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const cls_empirical_request *request;
  const cls_empirical_regions *regions;
  cls_notes *notes;
  cls_matrix matrix;
  bool by_name;
  bool regions_in_rows;
  uint64_t series;  /* how many there are in the file */
  uint64_t volumes; /* length of each */
  uint32_t *place;  /* [regions->n] which series belongs to a region */
} matching;

/* ---- which side is that of the regions ---- */

static cls_status choose_side(matching *m) {
  const char *path = m->request->path;
  const cls_matrix *x = &m->matrix;
  const unsigned long long rows = x->rows, columns = x->columns, listed = m->regions->listed;
  const cls_bold_orientation stated = m->request->orientation;
  m->by_name = !m->regions->names_made_up && (x->column_names || x->row_names);
  if (stated != CLS_BOLD_UNSTATED) {
    m->regions_in_rows = stated == CLS_BOLD_REGION_X_TIME;
    m->by_name = m->by_name && (m->regions_in_rows ? x->row_names : x->column_names);
  } else if (m->by_name) {
    m->regions_in_rows = !x->column_names;
  } else {
    CLS_CHECK(
        rows != listed || columns != listed, CLS_ERR_INPUT,
        "%s: %llu rows and columns for %llu regions: expected orientation: time_x_region or region_x_time",
        path, rows, listed);
    m->regions_in_rows = rows == listed;
  }
  m->series = m->regions_in_rows ? rows : columns;
  m->volumes = m->regions_in_rows ? columns : rows;
  CLS_CHECK(m->by_name || m->series == listed, CLS_ERR_INPUT,
            "%s: %llu rows and %llu columns: expected one %s for each of the %llu regions of the connectome",
            path, rows, columns,
            stated == CLS_BOLD_UNSTATED ? "row or column"
            : m->regions_in_rows        ? "row"
                                        : "column",
            listed);
  return CLS_OK;
}

/* ---- which series belongs to which region ---- */

static cls_status match_names(matching *m) {
  const char *path = m->request->path, *repeated;
  char *const *names = m->regions_in_rows ? m->matrix.row_names : m->matrix.column_names;
  const uint32_t n = m->regions->n, series = (uint32_t)m->series;
  cls_named *sorted = NULL;
  char *missing = NULL;
  uint32_t n_missing = 0;
  CLS_TRY(cls_names_sort(names, series, &sorted));
  repeated = cls_names_repeated(sorted, series);
  for (uint32_t i = 0; i < n && !repeated; i++) {
    m->place[i] = cls_names_find(sorted, series, m->regions->names[i]);
    if (m->place[i] != CLS_NO_NAME || ++n_missing > 5) continue;
    char *longer = cls_format("%s%s%s", missing ? missing : "", missing ? ", " : "", m->regions->names[i]);
    free(missing);
    missing = longer;
  }
  cls_status status = CLS_OK;
  if (repeated)
    status = cls_fail(CLS_ERR_INPUT, "%s: two series are named %s: expected a name for each", path, repeated);
  else if (m->request->gaps && n_missing > 0 && n_missing <= n / 2)
    status = cls_note(m->notes, "%s: no series for %u of %u regions, which are not observed: %s%s",
                      cls_path_base(path), n_missing, n, missing ? missing : "", n_missing > 5 ? " ..." : "");
  else if (n_missing > 0)
    status = cls_fail(CLS_ERR_INPUT, "%s: no series for %u of %u regions: %s%s; its own begin with %s", path,
                      n_missing, n, missing ? missing : "", n_missing > 5 ? " ..." : "", names[0]);
  free(missing);
  free(sorted);
  return status;
}

static cls_status match(matching *m) {
  CLS_TRY(cls_alloc(&m->place, m->regions->n, sizeof *m->place, "columns of measured BOLD"));
  if (m->by_name) return match_names(m);
  for (uint32_t i = 0; i < m->regions->n; i++) m->place[i] = m->regions->kept ? m->regions->kept[i] : i;
  return CLS_OK;
}

static cls_status note_matching(const matching *m, const cls_empirical *e) {
  uint64_t left = m->series;
  for (uint32_t i = 0; i < m->regions->n; i++) left -= m->place[i] != CLS_NO_NAME;
  const bool named = m->matrix.column_names || m->matrix.row_names;
  const char *how = m->by_name ? "matched by name"
                    : named    ? "in the order of the connectome, which has no names to match"
                               : "in the order of the connectome";
  char tr[48] = "time between volumes not stated";
  if (!isnan(e->tr_s)) snprintf(tr, sizeof tr, "one every %g s", e->tr_s);
  CLS_TRY(cls_note(m->notes, "%s: %s%s%s%llu volumes (%s) of %llu series, %s x %s, %s", e->origin,
                   m->matrix.variable ? "variable " : "", m->matrix.variable ? m->matrix.variable : "",
                   m->matrix.variable ? ", " : "", (unsigned long long)m->volumes, tr,
                   (unsigned long long)m->series, m->regions_in_rows ? "region" : "time",
                   m->regions_in_rows ? "time" : "region", how));
  return left ? cls_note(m->notes, "%llu series of regions that are not in the network are left out",
                         (unsigned long long)left)
              : CLS_OK;
}

/* ---- the signal ---- */

/* One that may have gaps: *missing volumes are no numbers, all of them where there is no series. */
static cls_status check_gaps(const matching *m, const cls_empirical *e, uint32_t region, uint64_t *missing) {
  const char *name = m->regions->names[region];
  double first = NAN;
  bool varies = false;
  *missing = 0;
  for (uint64_t t = 0; t < e->volumes; t++) {
    const double value = e->data[t * e->regions + region];
    if (isnan(first)) first = value;
    *missing += isnan(value);
    varies = varies || (!isnan(value) && value != first);
  }
  const unsigned long long present = e->volumes - *missing;
  if (present == 0) return CLS_OK;
  CLS_CHECK(present >= 3, CLS_ERR_INPUT,
            "%s: %s %u (region %s) has %llu numbers: expected at least 3, or none", m->request->path,
            m->regions_in_rows ? "row" : "column", m->place[region] + 1, name, present);
  CLS_CHECK(varies, CLS_ERR_INPUT,
            "%s: %s %u (region %s) is %g throughout: expected a signal that varies, or n/a where nothing was "
            "measured",
            m->request->path, m->regions_in_rows ? "row" : "column", m->place[region] + 1, name, first);
  return CLS_OK;
}

static cls_status check_all_gaps(const matching *m, const cls_empirical *e) {
  uint64_t missing = 0;
  uint32_t silent = 0;
  for (uint32_t i = 0; i < e->regions; i++) {
    uint64_t n;
    CLS_TRY(check_gaps(m, e, i, &n));
    missing += n;
    silent += n == e->volumes;
  }
  const uint64_t all = e->volumes * e->regions;
  CLS_CHECK(missing <= all / 2, CLS_ERR_INPUT,
            "%s: %llu of %llu values of %u regions are missing (%u regions have none): expected at "
            "least half",
            m->request->path, (unsigned long long)missing, (unsigned long long)all, e->regions, silent);
  if (missing == 0) return CLS_OK;
  return cls_note(m->notes,
                  "%s: %llu of %llu values are missing and not observed; %u of %u regions have none",
                  e->origin, (unsigned long long)missing, (unsigned long long)all, silent, e->regions);
}

static cls_status check_series(const matching *m, const cls_empirical *e, uint32_t region) {
  const char *name = m->regions->names[region];
  bool varies = false;
  for (uint64_t t = 0; t < e->volumes; t++) {
    const double value = e->data[t * e->regions + region];
    CLS_CHECK(!isnan(value), CLS_ERR_INPUT,
              "%s: volume %llu of %s %u (region %s) is no number: expected a signal", m->request->path,
              (unsigned long long)t + 1, m->regions_in_rows ? "row" : "column", m->place[region] + 1, name);
    varies = varies || value != e->data[region];
  }
  CLS_CHECK(varies, CLS_ERR_INPUT, "%s: %s %u (region %s) is %g throughout: expected a signal that varies",
            m->request->path, m->regions_in_rows ? "row" : "column", m->place[region] + 1, name,
            e->data[region]);
  return CLS_OK;
}

/* A first row 0, 1, 2 ... or 1, 2, 3 ... is no volume but a header that some program made up. */
static cls_status check_first_row(const matching *m) {
  const double *row = m->matrix.values;
  const uint64_t n = m->matrix.columns;
  if (m->matrix.kind != CLS_MATRIX_TEXT || m->matrix.column_names || m->regions_in_rows || n < 4)
    return CLS_OK;
  bool counts = row[0] == 0 || row[0] == 1;
  for (uint64_t i = 1; i < n && counts; i++) counts = row[i] == row[0] + (double)i;
  CLS_CHECK(
      !counts, CLS_ERR_INPUT,
      "%s: the first row counts from %g to %g: expected a volume, or a header with the names of regions",
      m->request->path, row[0], row[n - 1]);
  return CLS_OK;
}

static cls_status take(const matching *m, cls_empirical *e) {
  const double *values = m->matrix.values;
  CLS_CHECK(m->volumes >= 3, CLS_ERR_INPUT, "%s: %llu volumes: expected at least 3", m->request->path,
            (unsigned long long)m->volumes);
  CLS_TRY(check_first_row(m));
  e->volumes = m->volumes;
  e->regions = m->regions->n;
  e->by_name = m->by_name;
  CLS_TRY(cls_alloc(&e->data, e->volumes * e->regions, sizeof *e->data, "measured BOLD"));
  for (uint64_t t = 0; t < e->volumes; t++)
    for (uint32_t i = 0; i < e->regions; i++)
      e->data[t * e->regions + i] = m->place[i] == CLS_NO_NAME ? NAN
                                    : m->regions_in_rows       ? values[m->place[i] * m->matrix.columns + t]
                                                               : values[t * m->matrix.columns + m->place[i]];
  if (m->request->gaps) return check_all_gaps(m, e);
  for (uint32_t i = 0; i < e->regions; i++) CLS_TRY(check_series(m, e, i));
  return CLS_OK;
}

static cls_status take_tr(const matching *m, cls_empirical *e) {
  const double stated = m->request->tr_s;
  cls_sidecar side;
  cls_status status = cls_sidecar_read(m->request->path, &side);
  if (status == CLS_OK && stated > 0 && !isnan(side.tr_s) && fabs(stated - side.tr_s) > 1e-6 * stated)
    status = cls_fail(CLS_ERR_INPUT, "%s: RepetitionTime is %g s: expected %g s as tr_s says", side.path,
                      side.tr_s, stated);
  const double known = m->matrix.tr_s;
  if (status == CLS_OK && stated > 0 && known > 0 && fabs(stated - known) > 1e-6 * stated)
    status = cls_fail(CLS_ERR_INPUT, "%s: its tr_s is %g s: expected %g s", m->request->path, known, stated);
  e->tr_s = stated > 0 ? stated : known > 0 ? known : side.tr_s;
  cls_sidecar_free(&side);
  return status;
}

static cls_status read_all(matching *m, cls_empirical *e) {
  e->origin = cls_format("%s", cls_path_base(m->request->path));
  CLS_CHECK(e->origin, CLS_ERR_MEMORY, "out of memory for the origin of measured BOLD");
  CLS_TRY(cls_matrix_read(m->request->path,
                          &(cls_matrix_request){.variable = m->request->variable, .side = m->regions->listed},
                          &m->matrix));
  CLS_TRY(choose_side(m));
  CLS_TRY(match(m));
  CLS_TRY(take(m, e));
  CLS_TRY(take_tr(m, e));
  return note_matching(m, e);
}

cls_status cls_empirical_read(const cls_empirical_request *request, const cls_empirical_regions *regions,
                              cls_notes *notes, cls_empirical **empirical) {
  matching m = {.request = request, .regions = regions, .notes = notes};
  CLS_TRY(cls_alloc(empirical, 1, sizeof **empirical, "measured BOLD"));
  const cls_status status = read_all(&m, *empirical);
  cls_matrix_free(&m.matrix);
  free(m.place);
  if (status != CLS_OK) {
    cls_empirical_free(*empirical);
    *empirical = NULL;
  }
  return status;
}

void cls_empirical_free(cls_empirical *empirical) {
  if (!empirical) return;
  free(empirical->data);
  free(empirical->origin);
  free(empirical);
}
