/* Writes assimilation.h5 (history.h says what is in it). */
#include "assimilation/history_file.h"
#include "io/hdf5_file.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *cls_history_path(char path[CLS_HISTORY_PATH], const char *group, const char *name,
                             const char *what) {
  snprintf(path, CLS_HISTORY_PATH, "/%s%s%s%s%s", group, name ? "/" : "", name ? name : "", what ? "/" : "",
           what ? what : "");
  return path;
}

/* ---- the block in front ---- */

static cls_status sum_of_rest(const char *path, FILE *file, uint64_t *sum) {
  enum { PIECE = 1 << 16 };
  uint64_t words[PIECE / sizeof(uint64_t)];
  *sum = 0;
  for (size_t got = PIECE; got == PIECE;) {
    memset(words, 0, sizeof words);
    got = fread(words, 1, PIECE, file);
    for (size_t i = 0; i < (got + sizeof *words - 1) / sizeof *words; i++) *sum = cls_mix64(*sum ^ words[i]);
    *sum += got;
  }
  CLS_CHECK(!ferror(file), CLS_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
  return CLS_OK;
}

cls_status cls_history_front(const char *path, char front[CLS_HISTORY_FRONT]) {
  uint64_t sum;
  FILE *file = fopen(path, "rb");
  CLS_CHECK(file, CLS_ERR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
  cls_status status = fseek(file, CLS_HISTORY_FRONT, SEEK_SET) == 0
                          ? sum_of_rest(path, file, &sum)
                          : cls_fail(CLS_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
  fclose(file);
  memset(front, 0, CLS_HISTORY_FRONT);
  if (status == CLS_OK)
    snprintf(front, CLS_HISTORY_FRONT,
             "%s: an HDF5 file behind these %d bytes; sum of what follows: %016llx\n", CLS_HISTORY_FORMAT,
             CLS_HISTORY_FRONT, (unsigned long long)sum);
  return status;
}

static cls_status write_front(const char *path) {
  char front[CLS_HISTORY_FRONT];
  CLS_TRY(cls_history_front(path, front));
  const int fd = open(path, O_WRONLY);
  CLS_CHECK(fd >= 0, CLS_ERR_IO, "%s: cannot be opened again: %s", path, strerror(errno));
  const bool written = pwrite(fd, front, sizeof front, 0) == (ssize_t)sizeof front;
  const int reason = errno;
  close(fd);
  CLS_CHECK(written, CLS_ERR_IO, "%s: cannot be written: %s", path, strerror(reason));
  return CLS_OK;
}

/* ---- writing ---- */

static size_t extent_of(const cls_history *h, cls_history_extent extent) {
  return extent == CLS_OF_ROWS ? h->rows : extent == CLS_OF_OBS ? h->obs : h->sites;
}

typedef struct {
  const cls_history *h;
  hid_t file;
  double *buffer; /* [cycles][most of rows, obs, sites] */
} writer;

static cls_status table_of_doubles(const writer *w, const char *path, hsize_t rows, hsize_t columns,
                                   const double *values, const char *units) {
  return cls_h5_table(w->file, path, H5T_NATIVE_DOUBLE, 2, (hsize_t[]){rows, columns}, values,
                      units && *units ? units : NULL);
}

/* Columns [first, first + n) of a field, over all cycles. */
static cls_status write_field(const writer *w, const cls_history_field *field, const char *path,
                              uint32_t first, uint32_t n, const char *units) {
  for (uint32_t c = 0; c < w->h->n_cycles && n > 0; c++)
    memcpy(w->buffer + (size_t)c * n, cls_history_values(&w->h->cycles[c], field) + first,
           n * sizeof *w->buffer);
  return table_of_doubles(w, path, w->h->n_cycles, n, w->buffer, units);
}

static bool any_truth(const cls_history *h, const cls_history_entry *entry) {
  for (uint32_t c = 0; c < h->n_cycles; c++)
    for (uint32_t r = 0; r < entry->rows; r++)
      if (!isnan(h->cycles[c].truth[entry->first + r])) return true;
  return false;
}

static cls_status write_entry_ensembles(const writer *w, const cls_history_entry *entry) {
  char path[CLS_HISTORY_PATH];
  const cls_history *h = w->h;
  const size_t first = (size_t)entry->first * (size_t)h->members;
  const hsize_t members = (hsize_t)h->members, rows = entry->rows;
  cls_history_path(path, "hyperparameters", entry->name, "prior");
  CLS_TRY(table_of_doubles(w, path, rows, members, h->prior + first, entry->units));
  cls_history_path(path, "hyperparameters", entry->name, "last");
  CLS_TRY(table_of_doubles(w, path, rows, members, h->last + first, entry->units));
  cls_history_path(path, "hyperparameters", entry->name, "regions");
  CLS_TRY(cls_h5_names(w->file, path, rows, (const char *const *)&h->row_names[entry->first]));
  cls_history_path(path, "hyperparameters", entry->name, "site");
  return cls_h5_table(w->file, path, H5T_NATIVE_INT32, 1, &rows, &h->row_site[entry->first], NULL);
}

static cls_status write_entry(const writer *w, uint32_t number) {
  const cls_history_entry *entry = &w->h->entries[number];
  const int shared = entry->shared;
  char group[CLS_HISTORY_PATH], path[CLS_HISTORY_PATH];
  cls_history_path(group, "hyperparameters", entry->name, NULL);
  CLS_TRY(cls_h5_group(w->file, group));
  CLS_TRY(cls_h5_text(w->file, group, "units", entry->units));
  CLS_TRY(cls_h5_attribute(w->file, group, "lower", H5T_NATIVE_DOUBLE, 0, &entry->lower));
  CLS_TRY(cls_h5_attribute(w->file, group, "upper", H5T_NATIVE_DOUBLE, 0, &entry->upper));
  CLS_TRY(cls_h5_attribute(w->file, group, "shared", H5T_NATIVE_INT, 0, &shared));
  CLS_TRY(cls_h5_attribute(w->file, group, "order", H5T_NATIVE_UINT32, 0, &number));
  for (int f = 0; f < cls_n_history_fields; f++) {
    const cls_history_field *field = &cls_history_fields[f];
    const bool truth = strcmp(field->name, "truth") == 0;
    if (field->extent != CLS_OF_ROWS || (truth && !any_truth(w->h, entry))) continue;
    if (truth)
      cls_history_path(path, "truth", entry->name, NULL);
    else
      cls_history_path(path, "hyperparameters", entry->name, field->name);
    CLS_TRY(write_field(w, field, path, entry->first, entry->rows, entry->units));
  }
  return write_entry_ensembles(w, entry);
}

static cls_status write_ranks(const writer *w) {
  const cls_history *h = w->h;
  int32_t *ranks;
  CLS_TRY(cls_alloc_unset(&ranks, (size_t)h->n_cycles * h->obs, sizeof *ranks, "ranks of observations"));
  for (uint32_t c = 0; c < h->n_cycles && h->obs > 0; c++)
    memcpy(ranks + (size_t)c * h->obs, h->cycles[c].rank, h->obs * sizeof *ranks);
  cls_status status = cls_h5_table(w->file, "/observations/rank", H5T_NATIVE_INT32, 2,
                                   (hsize_t[]){h->n_cycles, h->obs}, ranks, NULL);
  free(ranks);
  return status;
}

static cls_status write_observations(const writer *w) {
  const cls_history *h = w->h;
  const hsize_t n = h->obs, sites = h->sites;
  char path[CLS_HISTORY_PATH];
  CLS_TRY(cls_h5_names(w->file, "/regions/name", sites, (const char *const *)h->region_names));
  CLS_TRY(cls_h5_names(w->file, "/observations/names", n, (const char *const *)h->obs_names));
  CLS_TRY(cls_h5_names(w->file, "/observations/units", n, (const char *const *)h->obs_units));
  CLS_TRY(cls_h5_table(w->file, "/observations/site", H5T_NATIVE_INT32, 1, &n, h->obs_site, NULL));
  for (int f = 0; f < cls_n_history_fields; f++) {
    const cls_history_field *field = &cls_history_fields[f];
    if (field->extent == CLS_OF_OBS) {
      cls_history_path(path, "observations", field->name, NULL);
      CLS_TRY(write_field(w, field, path, 0, h->obs, NULL));
    } else if (field->extent == CLS_OF_SITES) {
      CLS_TRY(write_field(w, field, "/inflation", 0, h->sites, NULL));
    }
  }
  return write_ranks(w);
}

static cls_status write_members(const writer *w) {
  const cls_history *h = w->h;
  const hsize_t members = (hsize_t)h->members, cycles = h->n_cycles;
  int32_t *count;
  uint8_t *alive;
  CLS_TRY(cls_alloc(&count, h->n_cycles, sizeof *count, "members of each cycle"));
  cls_status status = cls_alloc(&alive, (size_t)h->members, 1, "members alive");
  for (int k = 0; k < h->members && status == CLS_OK; k++) alive[k] = h->alive[k];
  for (uint32_t c = 0; c < h->n_cycles; c++) {
    count[c] = h->cycles[c].alive;
    w->buffer[c] = h->cycles[c].time_s;
  }
  if (status == CLS_OK)
    status = cls_h5_table(w->file, "/members/alive", H5T_NATIVE_UINT8, 1, &members, alive, NULL);
  if (status == CLS_OK)
    status = cls_h5_table(w->file, "/members/count", H5T_NATIVE_INT32, 1, &cycles, count, NULL);
  if (status == CLS_OK)
    status = cls_h5_table(w->file, "/time_s", H5T_NATIVE_DOUBLE, 1, &cycles, w->buffer, "s");
  free(alive);
  free(count);
  return status;
}

static cls_status write_states(const writer *w) {
  for (uint32_t s = 0; s < w->h->n_states; s++) {
    const cls_history_state *state = &w->h->states[s];
    char *path = cls_format("/state/%s", state->name);
    CLS_CHECK(path, CLS_ERR_MEMORY, "out of memory for state %s", state->name);
    cls_status status = table_of_doubles(w, path, state->rows, state->width, state->values, NULL);
    free(path);
    CLS_TRY(status);
  }
  return CLS_OK;
}

static cls_status write_skill(const writer *w, const char *group, const cls_forecast_skill *skill) {
  CLS_TRY(cls_h5_group(w->file, group));
  CLS_TRY(cls_h5_attribute(w->file, group, "n", H5T_NATIVE_UINT64, 0, &skill->n));
  CLS_TRY(cls_h5_attribute(w->file, group, "chi2", H5T_NATIVE_DOUBLE, 0, &skill->chi2));
  CLS_TRY(cls_h5_attribute(w->file, group, "spread_skill", H5T_NATIVE_DOUBLE, 0, &skill->spread_skill));
  CLS_TRY(cls_h5_attribute(w->file, group, "crps", H5T_NATIVE_DOUBLE, 0, &skill->crps));
  CLS_TRY(cls_h5_attribute(w->file, group, "rmse", H5T_NATIVE_DOUBLE, 0, &skill->rmse));
  CLS_TRY(cls_h5_attribute(w->file, group, "correlation", H5T_NATIVE_DOUBLE, 0, &skill->correlation));
  return cls_h5_attribute(w->file, group, "coverage", H5T_NATIVE_DOUBLE, 0, &skill->coverage);
}

/* /diagnostics/confounded: pairs of rows among all; what they determine together; their correlation. */
static cls_status write_confounded(const writer *w, const cls_diagnostics *d) {
  const hsize_t n = d->n_confounded;
  const char **what;
  CLS_TRY(cls_h5_table(w->file, "/diagnostics/confounded", H5T_NATIVE_UINT32, 2, (hsize_t[]){n, 2},
                       d->confounded, NULL));
  CLS_TRY(
      cls_h5_table(w->file, "/diagnostics/confounded_r", H5T_NATIVE_DOUBLE, 1, &n, d->confounded_r, NULL));
  CLS_TRY(cls_alloc(&what, n, sizeof *what, "confounded pairs"));
  for (hsize_t p = 0; p < n; p++) what[p] = cls_confounded_names[d->confounded_what[p]];
  cls_status status = cls_h5_names(w->file, "/diagnostics/confounded_what", n, what);
  free(what);
  return status;
}

static cls_status write_diagnostics(const writer *w, const cls_diagnostics *d) {
  const hsize_t rows = w->h->rows, obs = w->h->obs, ranks = (hsize_t)w->h->members + 1;
  const hid_t number = H5T_NATIVE_DOUBLE;
  CLS_TRY(write_skill(w, "/diagnostics/assimilated", &d->skill));
  CLS_TRY(write_skill(w, "/diagnostics/withheld", &d->withheld));
  CLS_TRY(cls_h5_attribute(w->file, "/diagnostics", "effective_size", number, 0, &d->effective_size));
  CLS_TRY(cls_h5_attribute(w->file, "/diagnostics", "confounded_limit", number, 0, &d->limit));
  CLS_TRY(cls_h5_table(w->file, "/diagnostics/chi2_of", number, 1, &obs, d->chi2_of, NULL));
  CLS_TRY(cls_h5_table(w->file, "/diagnostics/correlation_of", number, 1, &obs, d->correlation_of, NULL));
  CLS_TRY(cls_h5_table(w->file, "/diagnostics/withheld_correlation_of", number, 1, &obs,
                       d->withheld_correlation_of, NULL));
  CLS_TRY(cls_h5_table(w->file, "/diagnostics/rank_histogram", number, 1, &ranks, d->rank_histogram, NULL));
  if (d->posterior_correlation)
    CLS_TRY(cls_h5_table(w->file, "/diagnostics/posterior_correlation", number, 2, (hsize_t[]){rows, rows},
                         d->posterior_correlation, NULL));
  return write_confounded(w, d);
}

static cls_status write_head(const writer *w) {
  const cls_history *h = w->h;
  const int version = CLS_HISTORY_VERSION;
  CLS_TRY(cls_h5_text(w->file, "/", "format", CLS_HISTORY_FORMAT));
  CLS_TRY(cls_h5_attribute(w->file, "/", "version", H5T_NATIVE_INT, 0, &version));
  CLS_TRY(cls_h5_text(w->file, "/", "job", h->job));
  CLS_TRY(cls_h5_text(w->file, "/", "callosum_version", CLS_VERSION));
  CLS_TRY(cls_h5_attribute(w->file, "/", "seed", H5T_NATIVE_UINT64, 0, &h->seed));
  CLS_TRY(cls_h5_attribute(w->file, "/", "hash", H5T_NATIVE_UINT64, 0, &h->hash));
  CLS_TRY(cls_h5_attribute(w->file, "/", "members", H5T_NATIVE_INT, 0, &h->members));
  CLS_TRY(cls_h5_attribute(w->file, "/", "cycles", H5T_NATIVE_UINT32, 0, &h->n_cycles));
  return cls_h5_attribute(w->file, "/", "tr_s", H5T_NATIVE_DOUBLE, 0, &h->tr_s);
}

static cls_status write_all(const writer *w, const cls_diagnostics *diagnostics) {
  CLS_TRY(write_head(w));
  CLS_TRY(write_members(w));
  CLS_TRY(cls_h5_group(w->file, "/hyperparameters"));
  for (uint32_t e = 0; e < w->h->n_entries; e++) CLS_TRY(write_entry(w, e));
  CLS_TRY(write_observations(w));
  CLS_TRY(cls_h5_group(w->file, "/state"));
  CLS_TRY(write_states(w));
  return diagnostics ? write_diagnostics(w, diagnostics) : CLS_OK;
}

/* HDF5 would follow what a damaged file says: a sum in front of it, in a block that HDF5 leaves to the user, is looked at first. */
static cls_status create(const char *path, hid_t *file) {
  *file = -1;
  int fd = open(path, O_CREAT | O_WRONLY, 0666); /* the system's reason is clearer than HDF5's */
  CLS_CHECK(fd >= 0, CLS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
  close(fd);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its reasons would be printed beside our message */
  hid_t properties = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_userblock(properties, CLS_HISTORY_FRONT);
  *file = H5Fcreate(path, H5F_ACC_TRUNC, properties, H5P_DEFAULT);
  H5Pclose(properties);
  return *file >= 0 ? CLS_OK : cls_error_prefix(cls_h5_fail(-1, "creating the file"), "%s", path);
}

static cls_status write_temporary(const char *temporary, writer *w, const cls_diagnostics *diagnostics) {
  CLS_TRY(create(temporary, &w->file));
  cls_status status = write_all(w, diagnostics);
  if (status == CLS_OK) return cls_h5_close(w->file);
  H5Fclose(w->file); /* one rank, serial driver: closing after an error is safe here */
  return status;
}

static cls_status sync_path(const char *path, int flags) {
  const int fd = open(path, O_RDONLY | flags);
  CLS_CHECK(fd >= 0, CLS_ERR_IO, "%s: cannot be opened again: %s", path, strerror(errno));
  /* Some file systems know no syncing of folders: nothing more can be done there. */
  const int failed = fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP ? errno : 0;
  close(fd);
  CLS_CHECK(!failed, CLS_ERR_IO, "%s: cannot be put on the disk: %s", path, strerror(failed));
  return CLS_OK;
}

static cls_status sync_folder_of(const char *path) {
  char *folder = cls_format("%s", path);
  CLS_CHECK(folder, CLS_ERR_MEMORY, "out of memory for the folder of %s", path);
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  cls_status status = sync_path(slash ? folder : ".", O_DIRECTORY);
  free(folder);
  return status;
}

/* Everything reaches the disk before the name does. */
static cls_status commit(const char *temporary, const char *path) {
  CLS_TRY(write_front(temporary));
  CLS_TRY(sync_path(temporary, 0));
  CLS_CHECK(rename(temporary, path) == 0, CLS_ERR_IO, "%s: cannot be renamed to %s: %s", temporary, path,
            strerror(errno));
  return sync_folder_of(path);
}

cls_status cls_history_write(const cls_history *history, const cls_diagnostics *diagnostics,
                             const char *path) {
  writer w = {.h = history, .file = -1};
  size_t most = 1;
  for (int extent = CLS_OF_ROWS; extent <= CLS_OF_SITES; extent++)
    if (extent_of(history, (cls_history_extent)extent) > most)
      most = extent_of(history, (cls_history_extent)extent);
  CLS_TRY(cls_alloc_unset(&w.buffer, most * history->n_cycles, sizeof *w.buffer, "columns of a history"));
  char *temporary = cls_format("%s.part", path);
  cls_status status = temporary ? CLS_OK : cls_fail(CLS_ERR_MEMORY, "out of memory for the name of %s", path);
  if (status == CLS_OK) status = write_temporary(temporary, &w, diagnostics);
  if (status == CLS_OK) status = commit(temporary, path);
  if (status != CLS_OK && temporary) unlink(temporary);
  free(temporary);
  free(w.buffer);
  return status;
}
