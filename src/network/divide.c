/* Walking the tree of divide.h to a range of places. */
#include "network/internal.h"

typedef struct {
  const cls_division *division;
  uint32_t from, to; /* places asked for */
  cls_place_sink sink;
  void *context;
} walk;

/* Hands over the dealt places that were asked for, in ascending order. */
static cls_status hand_over(const walk *w, uint32_t lo, uint32_t hi, uint32_t count) {
  uint32_t place[CLS_DIVIDE_FEW];
  cls_node_deal(w->division, lo, hi, count, place);
  for (uint32_t i = 1, j; i < count; i++) {
    const uint32_t at = place[i];
    for (j = i; j > 0 && place[j - 1] > at; j--) place[j] = place[j - 1];
    place[j] = at;
  }
  for (uint32_t i = 0, k; i < count; i = k) {
    for (k = i; k < count && place[k] == place[i]; k++) {
    }
    if (place[i] >= w->from && place[i] < w->to) CLS_TRY(w->sink(w->context, place[i], k - i));
  }
  return CLS_OK;
}

static cls_status visit(const walk *w, uint32_t lo, uint32_t hi, uint64_t count) {
  const cls_division *d = w->division;
  if (count == 0 || hi <= w->from || lo >= w->to) return CLS_OK;
  if (hi - lo == 1 || hi - lo <= d->grain) return w->sink(w->context, lo, count);
  if (cls_node_deals(d, lo, hi, count)) return hand_over(w, lo, hi, (uint32_t)count);
  const uint32_t middle = cls_node_middle(lo, hi);
  uint64_t left = cls_node_left(d, lo, middle, hi, count);
  CLS_TRY(visit(w, lo, middle, left));
  return visit(w, middle, hi, count - left);
}

cls_status cls_divide(const cls_division *division, uint64_t count, uint32_t from, uint32_t to,
                      cls_place_sink sink, void *context) {
  walk w = {division, from, to, sink, context};
  return visit(&w, division->first, division->first + division->n, count);
}
