/* HDF5 files of any shape (fuzz_make_hdf5), read by whatever lines of the input ask for:
 *   !connectome   !matrix [VARIABLE]   !edges GROUP PORTS   !positions DATASET N   !spikes [POPULATION]   !wave DATASET */
#include "fuzz.h"
#include "io/connectome_files.h"
#include "io/edges_file.h"
#include "io/matrix_file.h"
#include "io/positions_file.h"
#include "io/spike_train_file.h"
#include "io/waveform_file.h"
#include <stdlib.h>
#include <string.h>

static void read_connectome(const char *path) {
  cls_connectome *c = NULL;
  if (fuzz_settled(cls_connectome_read(path, NULL, NULL, &c)))
    fuzz_require(c && cls_connectome_check(c) == CLS_OK, "a connectome that was read is none");
  cls_connectome_destroy(c);
}

static void read_matrix(const char *path, const char *variable) {
  cls_matrix matrix = {0};
  for (int sparse = 0; sparse < 2; sparse++) {
    const cls_matrix_request request = {.variable = *variable ? variable : NULL, .sparse = sparse};
    if (fuzz_settled(cls_matrix_read(path, &request, &matrix))) cls_matrix_free(&matrix);
  }
}

/* What the reader promises of every synapse. */
static cls_status take_edges(void *context, const cls_edge *edges, int n) {
  const cls_edge_table *t = context;
  for (int i = 0; i < n; i++) {
    const cls_edge *e = &edges[i];
    fuzz_require(e->source < 100 && e->target < 50, "a synapse between neurons that are not there");
    for (int r = 0; r < t->weights; r++)
      fuzz_require(e->weight[r] >= t->min_weight[r] && e->weight[r] <= t->max_weight[r],
                   "a weight out of bounds");
    if (t->delays)
      fuzz_require(e->delay_ms >= t->min_delay_ms && e->delay_ms <= t->max_delay_ms, "a delay out of bounds");
  }
  return CLS_OK;
}

static void read_edges(const char *path, const char *group, bool pair) {
  const cls_model *model = cls_model_find(pair ? "lif_dtb" : "lif_psc_exp");
  const cls_edges_limits limits = {100, 50, "a", "b", &model->ports[0], 0.1};
  cls_edge_table *table = NULL;
  cls_status status = cls_edges_file_open(path, group, &limits, &table);
  if (status == CLS_OK) status = cls_edges_file_scan(table);
  if (fuzz_settled(status)) {
    fuzz_require(cls_edges_file_share(&fuzz_world, table) == CLS_OK, "a list cannot be shared");
    fuzz_require(table->read(table->self, 0, 50, take_edges, table) == CLS_OK,
                 "a list can be read once only");
  }
  if (table) table->destroy(table->self);
}

static void read_positions(const char *path, const char *dataset, uint64_t n) {
  cls_position_table *table = NULL;
  cls_status status = cls_positions_file_open(path, dataset, n, "a", &table);
  if (status == CLS_OK) status = cls_positions_file_scan(table);
  if (fuzz_settled(status)) (void)cls_positions_file_share(&fuzz_world, table);
  if (table) table->destroy(table->self);
}

static void read_spikes(const char *path, const char *population) {
  cls_trains *trains = NULL;
  uint64_t spikes;
  const cls_spike_train_options options = {path, *population ? population : NULL, -1, true, 0.1, 10000};
  fuzz_require(cls_spike_train_create(&options, &trains) == CLS_OK, "no source of spikes");
  fuzz_settled(cls_spike_train_check(trains, 100, &spikes));
  trains->destroy(trains->self);
  free(trains);
}

static void read_wave(const char *path, const char *dataset) {
  cls_wave wave = {.kind = CLS_WAVE_SAMPLES};
  fuzz_settled(cls_waveform_read(path, dataset, 1, &wave));
  free(wave.time_ms);
  free(wave.sample);
}

static void command(const char *path, const char *line) {
  char verb[16] = "", name[64] = "";
  unsigned number = 0;
  sscanf(line, "!%15s %63s %9u", verb, name, &number);
  if (strcmp(verb, "connectome") == 0) read_connectome(path);
  if (strcmp(verb, "matrix") == 0) read_matrix(path, name);
  if (strcmp(verb, "edges") == 0) read_edges(path, *name ? name : "/", number == 2);
  if (strcmp(verb, "positions") == 0) read_positions(path, *name ? name : "/p", number ? number : 1);
  if (strcmp(verb, "spikes") == 0) read_spikes(path, name);
  if (strcmp(verb, "wave") == 0) read_wave(path, *name ? name : "/w");
}

static void run(const uint8_t *data, size_t size) {
  const char *at = (const char *)data, *end = at + size;
  char line[128], path[200];
  snprintf(path, sizeof path, "%s", fuzz_make_hdf5("h.h5", at, size));
  for (int commands = 0; commands < 8 && (at = fuzz_line(at, end, line, sizeof line));)
    if (line[0] == '!') command(path, line), commands++;
}

const fuzz_target fuzz_hdf5 = {"hdf5", NULL, run};
