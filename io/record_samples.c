/* Samples of groups between two flushes. */
#include "io/record_groups.h"
#include <stdlib.h>
#include <string.h>

static size_t row_length(const cls_samples *s) { return (size_t)s->members * s->groups->n_slots * s->width; }

cls_status cls_samples_create(const cls_groups *groups, int members, uint32_t width, int64_t interval,
                              cls_samples *samples) {
  *samples = (cls_samples){.groups = groups, .members = members, .width = width, .interval = interval};
  return CLS_OK;
}

void cls_samples_destroy(cls_samples *samples) {
  free(samples->local);
  free(samples->sums);
}

double cls_samples_waiting(const cls_samples *samples) {
  enum { COPIES = 4 }; /* waiting, packed, received, summed */
  return (double)row_length(samples) * COPIES * sizeof *samples->local / (double)samples->interval;
}

cls_status cls_samples_reserve(cls_samples *s, size_t n) {
  const size_t row = row_length(s);
  if (n > s->capacity) {
    size_t items = s->capacity * row, wanted = n > 2 * s->capacity ? n : 2 * s->capacity;
    CLS_TRY(cls_grow(&s->local, &items, wanted * row, sizeof *s->local, "samples to record"));
    s->capacity = wanted;
  }
  if (n > s->used) {
    memset(s->local + s->used * row, 0, (n - s->used) * row * sizeof *s->local);
    s->used = n;
  }
  return CLS_OK;
}

cls_status cls_samples_add_spikes(cls_samples *s, int member, const cls_spikes *spikes) {
  const uint32_t *slot_of_16 = s->groups->slot_of_16;
  const size_t row = row_length(s), column = (size_t)member * s->groups->n_slots;
  if (spikes->end <= spikes->begin) return CLS_OK;
  CLS_CHECK(spikes->begin / s->interval >= s->base, CLS_ERR_INTERNAL,
            "spikes of step %lld came after their bin was written", (long long)spikes->begin);
  CLS_TRY(cls_samples_reserve(s, (size_t)((spikes->end - 1) / s->interval - s->base) + 1));
  for (int64_t step = spikes->begin; step < spikes->end; step++) {
    const uint32_t *first = spikes->first + (step - spikes->begin);
    int64_t *count = s->local + (size_t)(step / s->interval - s->base) * row + column;
    for (uint32_t i = first[0]; i < first[1]; i++) {
      const uint32_t slot = slot_of_16[spikes->neuron[i] / 16];
      if (slot != CLS_NO_SLOT) count[slot]++;
    }
  }
  return CLS_OK;
}

cls_tally cls_samples_tally(const cls_samples *s) {
  return (cls_tally){
      .interval = s->interval, .n_groups = s->groups->n_slots, .group_of_16 = s->groups->slot_of_16};
}

cls_status cls_samples_add_counts(cls_samples *s, int member, int64_t bin, int64_t n, const uint32_t *count) {
  const size_t row = row_length(s), column = (size_t)member * s->groups->n_slots;
  if (n == 0) return CLS_OK;
  CLS_CHECK(bin >= s->base, CLS_ERR_INTERNAL, "counts of bin %lld came after it was written", (long long)bin);
  CLS_TRY(cls_samples_reserve(s, (size_t)(bin + n - s->base)));
  for (int64_t k = 0; k < n; k++)
    for (uint32_t g = 0; g < s->groups->n_slots; g++)
      s->local[(size_t)(bin + k - s->base) * row + column + g] += count[(size_t)k * s->groups->n_slots + g];
  return CLS_OK;
}

cls_status cls_samples_add_currents(cls_samples *s, const cls_layout *layout, int member, int64_t step,
                                    cls_view *view) {
  const int64_t *sums;
  const int64_t sample = step / s->interval - s->base;
  CLS_CHECK((step + 1) % s->interval == 0 && sample >= 0, CLS_ERR_INTERNAL,
            "currents of step %lld are not expected: one sample every %lld steps", (long long)step,
            (long long)s->interval);
  CLS_TRY(cls_view_currents(view, &sums));
  CLS_TRY(cls_samples_reserve(s, (size_t)sample + 1));
  int64_t *row = s->local + (size_t)sample * row_length(s) + (size_t)member * s->groups->n_slots * s->width;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    const uint32_t slot = s->groups->slot_of_range[r];
    for (uint32_t k = 0; slot != CLS_NO_SLOT && k < s->width; k++)
      row[(size_t)slot * s->width + k] += sums[(size_t)r * CLS_MAX_RECEPTORS + k];
  }
  return CLS_OK;
}

cls_status cls_samples_gather(cls_samples *s, int64_t step, uint64_t *n) {
  const cls_columns *columns = &s->groups->columns;
  const int64_t complete = step / s->interval - s->base;
  const size_t row = row_length(s);
  *n = complete > 0 ? (uint64_t)complete : 0;
  cls_status status = cls_samples_reserve(s, *n);
  if (status == CLS_OK)
    status = cls_grow(&s->sums, &s->sums_capacity, *n * (size_t)s->members * columns->n_owned * s->width,
                      sizeof *s->sums, "sums of samples");
  CLS_TRY(cls_agree(columns->comm, status));
  if (*n == 0) return CLS_OK;
  CLS_TRY(cls_groups_sum(s->groups, *n * (uint64_t)s->members, s->width, s->local, s->sums));
  memmove(s->local, s->local + *n * row, (s->used - *n) * row * sizeof *s->local);
  s->used -= *n;
  s->base += (int64_t)*n;
  return CLS_OK;
}
