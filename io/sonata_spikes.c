/* Input spikes of virtual nodes, copied into one file of the SONATA layout. Older files hold spikes without a
 * population, as /spikes/gids. */
#include "io/hdf5_file.h"
#include "io/sonata_files.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 16 };

typedef struct {
  const sonata_population *population;
  cls_h5_column node, time;
  int64_t *id;
  double *ms;
} spike_reader;

/* The group that holds the spikes of a population: its own, or the file's only one, or /spikes itself. */
static cls_status find_group(hid_t file, const char *path, const char *population, char **group) {
  char **names = NULL;
  size_t n = 0;
  *group = NULL;
  cls_status status = cls_h5_members(file, path, "/spikes", &names, &n);
  bool old = status == CLS_OK && cls_h5_has(file, "/spikes/timestamps");
  const char *found = NULL;
  for (size_t i = 0; i < n && status == CLS_OK && !old; i++)
    if (strcmp(names[i], population) == 0 || n == 1) found = names[i];
  if (status == CLS_OK && !old && !found)
    status = cls_fail(CLS_ERR_INPUT, "%s: /spikes: no population '%s' among %zu", path, population, n);
  if (status == CLS_OK) {
    *group = old ? cls_format("/spikes") : cls_format("/spikes/%s", found);
    if (!*group) status = cls_fail(CLS_ERR_MEMORY, "no memory for the name of a group");
  }
  cls_h5_free_members(names, n);
  return status;
}

static cls_status open_spikes(spike_reader *r, hid_t file, const char *path) {
  char *group = NULL, *node = NULL, *time = NULL;
  cls_status status = find_group(file, path, r->population->name, &group);
  if (status == CLS_OK) {
    time = cls_format("%s/timestamps", group);
    node = cls_format("%s/node_ids", group);
    if (node && !cls_h5_has(file, node)) {
      free(node);
      node = cls_format("%s/gids", group);
    }
    if (!node || !time) status = cls_fail(CLS_ERR_MEMORY, "no memory for the name of a dataset");
  }
  if (status == CLS_OK) status = cls_h5_column_open(file, path, node, true, 1, &r->node);
  if (status == CLS_OK) status = cls_h5_column_check_stored(&r->node);
  if (status == CLS_OK) status = cls_h5_column_open(file, path, time, false, 1, &r->time);
  if (status == CLS_OK && r->node.n != r->time.n)
    status = cls_fail(CLS_ERR_INPUT, "%s: %llu rows: expected %llu", r->node.name,
                      (unsigned long long)r->node.n, (unsigned long long)r->time.n);
  free(group);
  free(node);
  free(time);
  return status;
}

static cls_status check_spikes(const spike_reader *r, uint64_t first, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    CLS_CHECK(r->id[i] >= 0 && (uint64_t)r->id[i] < r->population->n, CLS_ERR_INPUT,
              "%s: row %llu: %lld: expected 0 ... %llu, a node of '%s'", r->node.name,
              (unsigned long long)(first + i), (long long)r->id[i],
              (unsigned long long)(r->population->n - 1), r->population->name);
    CLS_CHECK(r->ms[i] >= 0 && isfinite(r->ms[i]), CLS_ERR_INPUT, "%s: row %llu: %g: expected a time in ms",
              r->time.name, (unsigned long long)(first + i), r->ms[i]);
  }
  return CLS_OK;
}

static cls_status copy_spikes(spike_reader *r, hid_t out, const char *group) {
  char *node = cls_format("%s/node_ids", group), *time = cls_format("%s/timestamps", group);
  hsize_t all = r->node.n;
  cls_status status = node && time ? CLS_OK : cls_fail(CLS_ERR_MEMORY, "no memory for the name of a dataset");
  if (status == CLS_OK) status = cls_h5_table(out, node, H5T_NATIVE_UINT64, 1, &all, NULL, NULL);
  if (status == CLS_OK) status = cls_h5_table(out, time, H5T_NATIVE_DOUBLE, 1, &all, NULL, "ms");
  for (uint64_t first = 0; first < all && status == CLS_OK; first += PIECE) {
    uint64_t n = all - first < PIECE ? all - first : PIECE;
    status = cls_h5_column_integers(&r->node, first, n, r->id);
    if (status == CLS_OK) status = cls_h5_column_numbers(&r->time, first, n, r->ms);
    if (status == CLS_OK) status = check_spikes(r, first, n);
    if (status == CLS_OK) status = cls_h5_rows_write(out, node, H5T_NATIVE_INT64, first, n, r->id);
    if (status == CLS_OK) status = cls_h5_rows_write(out, time, H5T_NATIVE_DOUBLE, first, n, r->ms);
  }
  free(node);
  free(time);
  return status;
}

static cls_status import_input(sonata_circuit *circuit, const sonata_input *input, hid_t out) {
  spike_reader r = {.population = sonata_population_find(circuit, input->population)};
  CLS_CHECK(r.population && r.population->is_virtual, CLS_ERR_INPUT,
            "%s: spikes of '%s': expected a population of virtual nodes", input->file, input->population);
  char *group = cls_format("/spikes/%s", r.population->name);
  CLS_CHECK(group, CLS_ERR_MEMORY, "no memory for the name of a group");
  hid_t file = -1;
  cls_status status = cls_h5_has(out, group)
                          ? cls_fail(CLS_ERR_INPUT, "%s: '%s' has two inputs of spikes: expected one",
                                     input->file, r.population->name)
                          : cls_h5_open_input(input->file, &file);
  if (status == CLS_OK) status = open_spikes(&r, file, input->file);
  if (status == CLS_OK) status = cls_alloc(&r.id, PIECE, sizeof *r.id, "spikes");
  if (status == CLS_OK) status = cls_alloc(&r.ms, PIECE, sizeof *r.ms, "spikes");
  if (status == CLS_OK) status = copy_spikes(&r, out, group);
  if (status == CLS_OK) circuit->summary->spikes += r.node.n;
  cls_h5_column_close(&r.node);
  cls_h5_column_close(&r.time);
  cls_h5_close_input(file);
  free(r.id);
  free(r.ms);
  free(group);
  return status;
}

cls_status sonata_spikes_import(sonata_circuit *circuit, const char *path) {
  static const uint32_t magic = 0x0A7A, version[2] = {0, 1};
  hid_t out;
  if (circuit->config.n_inputs == 0) return CLS_OK;
  CLS_TRY(cls_h5_create(path, &out));
  cls_status status = cls_h5_attribute(out, "/", "magic", H5T_NATIVE_UINT32, 0, &magic);
  if (status == CLS_OK) status = cls_h5_attribute(out, "/", "version", H5T_NATIVE_UINT32, 2, version);
  for (size_t i = 0; i < circuit->config.n_inputs && status == CLS_OK; i++)
    status = import_input(circuit, &circuit->config.inputs[i], out);
  if (status == CLS_OK) return cls_h5_close(out);
  H5Fclose(out);
  return status;
}
