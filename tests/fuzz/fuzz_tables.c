/* Smaller files that a job names. The first byte of an input chooses which, the rest is the file. */
#include "fuzz.h"
#include "io/empirical.h"
#include "io/region_table.h"
#include "io/spike_train_file.h"
#include "io/waveform_file.h"
#include <stdlib.h>
#include <string.h>

/* Named as others are not, so that no message can hold it by chance. */
static bool settled_about(cls_status status, const char *path) {
  if (fuzz_settled(status)) return true;
  fuzz_require(strstr(cls_error_message(), path) != NULL, "the file is not named");
  return false;
}

static cls_status take(void *context, const uint64_t *step, const uint64_t *neuron, int n) {
  for (int i = 0; i < n; i++) fuzz_require(step[i] < 10000, "a spike after the end of the run");
  *(uint64_t *)context += (uint64_t)n + (neuron[0] & 0);
  return CLS_OK;
}

static void read_spikes(const char *path, bool ignore) {
  cls_trains *trains = NULL;
  uint64_t spikes = 0, again = 0;
  const cls_spike_train_options options = {path, NULL, -1, ignore, 0.1, 10000};
  fuzz_require(cls_spike_train_create(&options, &trains) == CLS_OK, "no source of spikes");
  if (settled_about(cls_spike_train_check(trains, 100, &spikes), path)) {
    fuzz_require(trains->scan(trains->self, take, &again) == CLS_OK, "spikes can be read once only");
    fuzz_require(ignore ? again >= spikes : again == spikes, "other spikes when read again");
  }
  trains->destroy(trains->self);
  free(trains);
}

static void read_wave(const char *path, const char *dataset, double interval_ms) {
  cls_wave wave = {.kind = CLS_WAVE_SAMPLES, .stop_ms = INFINITY};
  cls_waveform *waveform = NULL;
  const bool good = settled_about(cls_waveform_read(path, dataset, interval_ms, &wave), path);
  fuzz_require(cls_waveform_create(&waveform) == CLS_OK, "no waveform");
  if (cls_waveform_add(waveform, &wave) == CLS_OK && good && fuzz_settled(cls_waveform_check(waveform))) {
    double low, high, value = cls_waveform_at(waveform, 12.5);
    fuzz_require(cls_waveform_bounds(waveform, &low, &high) == CLS_OK, "no bounds of a waveform");
    fuzz_require(value >= low && value <= high, "a value out of the bounds of its waveform");
  }
  cls_waveform_destroy(waveform);
}

static void read_events(const char *path, const char *pattern) {
  cls_wave wave = {.kind = CLS_WAVE_SAMPLES, .stop_ms = INFINITY};
  uint64_t events = 0;
  if (settled_about(cls_events_read(path, pattern, &wave, &events), path))
    for (uint64_t i = 1; i < wave.n; i++)
      fuzz_require(wave.time_ms[i] > wave.time_ms[i - 1], "events that do not follow each other");
  free(wave.time_ms);
  free(wave.sample);
}

static void read_bold(const char *path, bool named) {
  static char a[] = "A", b[] = "B", c[] = "C";
  char *const names[] = {a, b, c};
  const uint32_t kept[] = {0, 2};
  const cls_empirical_request request = {.path = path};
  const cls_empirical_regions regions = {named ? 3 : 2, names, !named, 3, named ? NULL : kept};
  cls_empirical *bold = NULL;
  cls_notes notes = {0};
  if (settled_about(cls_empirical_read(&request, &regions, &notes, &bold), path))
    fuzz_require(bold->regions == regions.n && bold->volumes > 0, "measured BOLD of another shape");
  cls_empirical_free(bold);
  cls_notes_free(&notes);
}

static void read_units(const char *path, const uint8_t *data, size_t size) {
  cls_region_table *table = NULL;
  if (settled_about(cls_region_table_parse((const char *)data, size, path, &table), path))
    for (uint32_t i = 0; i < table->n; i++)
      fuzz_require(cls_region_table_find(table, table->rows[i].name) == &table->rows[i],
                   "a region is not found");
  cls_region_table_destroy(table);
}

static void run(const uint8_t *data, size_t size) {
  static const char *const names[] = {"t.txt", "t.tsv", "t.csv", "t.nii", "t.nii.gz"};
  if (size == 0) return;
  const int kind = data[0] % 8, name = data[0] / 8 % 5;
  char path[200];
  snprintf(path, sizeof path, "%s", fuzz_write(names[name], data + 1, size - 1));
  if (kind < 2) read_spikes(path, kind == 1);
  if (kind == 2) read_wave(path, NULL, 0);
  if (kind == 3) read_wave(path, NULL, 2.5);
  if (kind == 4) read_events(path, data[0] & 128 ? "go*" : "*");
  if (kind == 5 || kind == 6) read_bold(path, kind == 5);
  if (kind == 7) read_units(path, data + 1, size - 1);
}

const fuzz_target fuzz_tables = {"tables", NULL, run};
