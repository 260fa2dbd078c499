/* What every recording carries, and how its file begins and ends. */
#include "io/record.h"
#include <math.h>
#include <stdlib.h>

cls_status cls_record_steps(const cls_record *record, const char *key, double value, double unit_ms,
                            int64_t *steps) {
  double exact = value * unit_ms / record->network->dt_ms, whole = rint(exact);
  CLS_CHECK(whole >= 1 && whole < 9e15 && fabs(exact - whole) <= 1e-6 * whole, CLS_ERR_INPUT,
            "%s: %g: expected a positive multiple of simulation.dt_ms = %g", key, value,
            record->network->dt_ms);
  *steps = (int64_t)whole;
  return CLS_OK;
}

/* ---- tables ---- */

static cls_status write_populations(const cls_network *network, hid_t file) {
  const hsize_t n = network->n_populations;
  const char **names = NULL;
  uint64_t *number = NULL;
  CLS_TRY(cls_alloc(&names, n, sizeof *names, "population names"));
  for (hsize_t i = 0; i < n; i++) names[i] = network->populations[i].name;
  cls_status status = cls_h5_names(file, "/callosum/populations/name", n, names);
  free(names);
  if (status == CLS_OK) status = cls_alloc(&number, n, sizeof *number, "table of populations");
  if (status != CLS_OK) return status;
  for (hsize_t i = 0; i < n; i++) number[i] = network->populations[i].first;
  status = cls_h5_table(file, "/callosum/populations/first", H5T_NATIVE_UINT64, 1, &n, number, NULL);
  for (hsize_t i = 0; i < n; i++) number[i] = network->populations[i].n;
  if (status == CLS_OK)
    status = cls_h5_table(file, "/callosum/populations/count", H5T_NATIVE_UINT64, 1, &n, number, NULL);
  int32_t *region = (int32_t *)number; /* the other columns pass through the same memory */
  for (hsize_t i = 0; i < n; i++) region[i] = network->populations[i].region;
  if (status == CLS_OK)
    status = cls_h5_table(file, "/callosum/populations/region", H5T_NATIVE_INT32, 1, &n, region, NULL);
  uint8_t *type = (uint8_t *)number;
  for (hsize_t i = 0; i < n; i++) type[i] = (uint8_t)network->populations[i].type;
  if (status == CLS_OK)
    status = cls_h5_table(file, "/callosum/populations/type", H5T_NATIVE_UINT8, 1, &n, type, NULL);
  free(number);
  return status;
}

static cls_status write_regions(const cls_network *network, hid_t file) {
  const hsize_t n = network->n_regions;
  if (n == 0) return CLS_OK;
  const char **names = NULL;
  double(*centre)[3] = NULL;
  CLS_TRY(cls_alloc(&names, n, sizeof *names, "region names"));
  cls_status status = cls_alloc(&centre, n, sizeof *centre, "region centres");
  for (hsize_t i = 0; i < n && status == CLS_OK; i++) {
    names[i] = network->regions[i].name;
    for (int k = 0; k < 3; k++) centre[i][k] = network->regions[i].centre_mm[k];
  }
  if (status == CLS_OK) status = cls_h5_names(file, "/regions/name", n, names);
  if (status == CLS_OK)
    status = cls_h5_table(file, "/regions/centre_mm", H5T_NATIVE_DOUBLE, 2, (hsize_t[]){n, 3}, centre, "mm");
  free(names);
  free(centre);
  return status;
}

static cls_status describe(const cls_record *record, hid_t file) {
  const cls_job *job = record->job;
  const uint64_t hash = job->hash, seed = record->network->seed;
  const int32_t members = record->members;
  const uint8_t complete = 0;
  const double dt = record->network->dt_ms, warmup = job->record.warmup_ms, zero = 0;
  CLS_TRY(cls_h5_text(file, "/", "job", job->text ? job->text : ""));
  CLS_TRY(cls_h5_text(file, "/", "callosum_version", CLS_VERSION));
  CLS_TRY(cls_h5_attribute(file, "/", "job_hash", H5T_NATIVE_UINT64, 0, &hash));
  CLS_TRY(cls_h5_attribute(file, "/", "seed", H5T_NATIVE_UINT64, 0, &seed));
  CLS_TRY(cls_h5_attribute(file, "/", "members", H5T_NATIVE_INT32, 0, &members));
  CLS_TRY(cls_h5_attribute(file, "/", "dt_ms", H5T_NATIVE_DOUBLE, 0, &dt));
  CLS_TRY(cls_h5_attribute(file, "/", "warmup_ms", H5T_NATIVE_DOUBLE, 0, &warmup));
  CLS_TRY(cls_h5_attribute(file, "/", "recorded_ms", H5T_NATIVE_DOUBLE, 0, &zero));
  CLS_TRY(cls_h5_attribute(file, "/", "complete", H5T_NATIVE_UINT8, 0, &complete));
  CLS_TRY(write_populations(record->network, file));
  return write_regions(record->network, file);
}

/* ---- the life of a file ---- */

static cls_status build_skeleton(const cls_record *record, const char *path, cls_record_build build,
                                 void *self) {
  hid_t file = -1;
  CLS_TRY(cls_h5_create(path, &file));
  cls_status status = describe(record, file);
  if (status == CLS_OK) status = build(record, self, file);
  if (status == CLS_OK) return cls_h5_close(file);
  H5Fclose(file); /* one rank, serial driver: closing after an error is safe here */
  return status;
}

cls_status cls_record_open(const cls_record *record, const char *name, cls_record_build build, void *self,
                           hid_t *file) {
  *file = -1;
  char *path = cls_format("%s/%s", record->directory, name);
  cls_status status = path ? CLS_OK : cls_fail(CLS_ERR_MEMORY, "out of memory for the path of %s", name);
  if (status == CLS_OK && record->world.rank == 0 && !record->continued)
    status = build_skeleton(record, path, build, self);
  status = cls_agree(record->world.comm, status);
  if (status == CLS_OK) status = cls_h5_open_shared(record->world.comm, path, file);
  free(path);
  return status;
}

static cls_status state_extent(const cls_record *record, hid_t file) {
  const double recorded = (double)record->reached * record->network->dt_ms;
  return cls_h5_attribute_update(file, "recorded_ms", H5T_NATIVE_DOUBLE, &recorded);
}

cls_status cls_record_sync(const cls_record *record, hid_t file) {
  if (!record->sync) return CLS_OK;
  CLS_TRY(state_extent(record, file));
  return cls_h5_flush(file);
}

cls_status cls_record_close(const cls_record *record, hid_t *file, bool whole) {
  if (*file < 0) return CLS_OK;
  const uint8_t complete = 1;
  CLS_TRY(state_extent(record, *file));
  if (whole) CLS_TRY(cls_h5_attribute_update(*file, "complete", H5T_NATIVE_UINT8, &complete));
  if (H5Fclose(*file) < 0) return cls_h5_fail(-1, "closing a recording");
  *file = -1;
  return CLS_OK;
}

cls_status cls_record_sonata(hid_t file) {
  const uint32_t magic = 0x0A7A, version[2] = {0, 1};
  CLS_TRY(cls_h5_attribute(file, "/", "magic", H5T_NATIVE_UINT32, 0, &magic));
  return cls_h5_attribute(file, "/", "version", H5T_NATIVE_UINT32, 2, version);
}

char *cls_record_path(const cls_record *record, const char *group, int member, const char *leaf) {
  const char *slash = leaf[0] ? "/" : "", *name = record->network->name;
  if (member == 0) return cls_format("%s/%s%s%s", group, name, slash, leaf);
  return cls_format("%s/%s_member%d%s%s", group, name, member, slash, leaf);
}

bool cls_chosen_has(const cls_chosen *chosen, uint32_t population) {
  uint32_t low = 0, high = chosen->n;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (chosen->population[middle] < population)
      low = middle + 1;
    else
      high = middle;
  }
  return low < chosen->n && chosen->population[low] == population;
}
