/* How many neurons every region of a brain gets: which regions are kept, what their sizes are taken from, and
 * how the total is divided. */
#include "network/brain.h"

#include <math.h>
#include <stdlib.h>

/* ---- lists of names in log lines ---- */

cls_status cls_name_list_add(cls_name_list *list, const char *name) {
  if (++list->n > list->shown_at_most) return CLS_OK;
  char *longer = list->text ? cls_format("%s, %s", list->text, name) : cls_format("%s", name);
  CLS_CHECK(longer, CLS_ERR_MEMORY, "out of memory for a list of names");
  free(list->text);
  list->text = longer;
  return CLS_OK;
}

cls_status cls_name_list_text(cls_name_list *list, const char **text) {
  if (list->n > list->shown_at_most) {
    char *whole =
        cls_format("%s and %llu more", list->text, (unsigned long long)(list->n - list->shown_at_most));
    CLS_CHECK(whole, CLS_ERR_MEMORY, "out of memory for a list of names");
    free(list->text);
    list->text = whole;
    list->shown_at_most = list->n; /* said: the list is complete */
  }
  *text = list->text ? list->text : "";
  return CLS_OK;
}

void cls_name_list_free(cls_name_list *list) {
  free(list->text);
  *list = (cls_name_list){0};
}

/* ---- division with exact sums ---- */

typedef struct {
  double remainder;
  uint32_t index;
} ranked;

static int by_remainder(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->remainder != y->remainder) return x->remainder > y->remainder ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* Divides `total` by largest remainder and adds the parts to share[n]. rank[n]: scratch. A quota a hair below
 * a whole number (rounding) keeps its full remainder instead of being cut. */
static cls_status add_by_remainder(uint64_t total, const double *weight, double sum, uint32_t n,
                                   uint64_t *share, ranked *rank) {
  uint64_t given = 0;
  for (uint32_t i = 0; i < n; i++) {
    double quota = (double)total * (weight[i] / sum);
    double whole = floor(quota * (1 - 1e-12) - 1e-9);
    if (whole < 0) whole = 0;
    share[i] += (uint64_t)whole;
    given += (uint64_t)whole;
    rank[i] = (ranked){weight[i] > 0 ? quota - whole : -1, i};
  }
  CLS_CHECK(given <= total && total - given <= n, CLS_ERR_INTERNAL,
            "division of %llu into %u parts: %llu given before remainders", (unsigned long long)total, n,
            (unsigned long long)given);
  qsort(rank, n, sizeof *rank, by_remainder);
  for (uint32_t i = 0; given < total; i++, given++) share[rank[i].index]++;
  return CLS_OK;
}

/* Entries whose quota is below `least` get `least` and leave the division; what is left is divided anew until
 * no quota is too small. over[i] becomes quota - least, 0 for those that left. */
static void raise_to_least(uint64_t total, const double *weight, uint32_t n, uint64_t least, double *over) {
  uint64_t fixed = 0, before;
  for (uint32_t i = 0; i < n; i++) over[i] = 1; /* in the division */
  do {
    before = fixed;
    double sum = 0, rest = (double)(total - fixed * least);
    for (uint32_t i = 0; i < n; i++)
      if (over[i] > 0) sum += weight[i];
    for (uint32_t i = 0; i < n; i++) {
      if (over[i] <= 0 || (sum > 0 && rest * (weight[i] / sum) >= (double)least)) continue;
      over[i] = 0;
      fixed++;
    }
  } while (fixed != before);
  double sum = 0, rest = (double)(total - fixed * least);
  for (uint32_t i = 0; i < n; i++)
    if (over[i] > 0) sum += weight[i];
  for (uint32_t i = 0; i < n; i++)
    if (over[i] > 0) over[i] = rest * (weight[i] / sum) - (double)least;
}

cls_status cls_apportion(uint64_t total, const double *weight, uint32_t n, uint64_t least, uint64_t *share,
                         const char *what) {
  CLS_CHECK(total / n >= least, CLS_ERR_INPUT, "%s: %llu: expected at least %llu (%llu for each of %u)", what,
            (unsigned long long)total, (unsigned long long)(n * least), (unsigned long long)least, n);
  double *over = NULL, sum = 0;
  ranked *rank = NULL;
  cls_status status = cls_alloc(&over, n, sizeof *over, "quotas");
  if (status == CLS_OK) status = cls_alloc(&rank, n, sizeof *rank, "remainders");
  if (status == CLS_OK) {
    if (least > 0)
      raise_to_least(total, weight, n, least, over);
    else
      for (uint32_t i = 0; i < n; i++) over[i] = weight[i];
    for (uint32_t i = 0; i < n; i++) {
      share[i] = least;
      sum += over[i];
    }
    if (!(sum > 0)) { /* nothing says who gets the rest: all alike */
      for (uint32_t i = 0; i < n; i++) over[i] = 1;
      sum = n;
    }
    status = add_by_remainder(total - n * least, over, sum, n, share, rank);
  }
  free(over);
  free(rank);
  return status;
}

/* ---- which regions are kept ---- */

/* Whether any region has a number above 0. */
static bool known(const double *size, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (size[i] > 0) return true;
  return false;
}

static cls_status log_dropped(const cls_expansion *x) {
  cls_name_list list = {.shown_at_most = 1000};
  cls_status status = CLS_OK;
  for (uint32_t i = 0; i < x->connectome->n_regions && status == CLS_OK; i++)
    if (x->place[i] == UINT32_MAX) status = cls_name_list_add(&list, x->connectome->names[i]);
  const char *text = "";
  if (status == CLS_OK) status = cls_name_list_text(&list, &text);
  if (status == CLS_OK && list.n > 0)
    cls_log(x->world, 1, "brain: %llu regions of zero size without connections are dropped: %s",
            (unsigned long long)list.n, text);
  cls_name_list_free(&list);
  return status;
}

/* A region that is listed with size 0 (as others are not) and has no tracts stands for nothing: the corpus
 * callosum of some parcellations is one. */
static cls_status choose_kept(cls_expansion *x) {
  const cls_connectome *c = x->connectome;
  CLS_TRY(cls_alloc(&x->kept, c->n_regions, sizeof *x->kept, "regions kept"));
  CLS_TRY(cls_alloc(&x->place, c->n_regions, sizeof *x->place, "regions kept"));
  bool *connected = NULL;
  CLS_TRY(cls_alloc(&connected, c->n_regions, sizeof *connected, "connected regions"));
  for (uint32_t i = 0; i < c->n_regions; i++)
    for (uint64_t k = c->row[i]; k < c->row[i + 1]; k++)
      if (c->source[k] != i) connected[i] = connected[c->source[k]] = true;
  const double *size = known(c->area_mm2, c->n_regions)     ? c->area_mm2
                       : known(c->volume_mm3, c->n_regions) ? c->volume_mm3
                                                            : NULL;
  for (uint32_t i = 0; i < c->n_regions; i++) {
    bool drop = size && size[i] == 0 && !connected[i];
    x->place[i] = drop ? UINT32_MAX : x->n;
    if (!drop) x->kept[x->n++] = i;
  }
  free(connected);
  return log_dropped(x);
}

/* ---- what sizes are taken from ---- */

/* Lists kept regions without a size and says that all count alike. */
static cls_status log_equal(const cls_expansion *x, const double *size, const char *what) {
  cls_name_list list = {.shown_at_most = 1000};
  cls_status status = CLS_OK;
  for (uint32_t i = 0; i < x->n && status == CLS_OK; i++)
    if (!(size[x->kept[i]] > 0)) status = cls_name_list_add(&list, cls_kept_name(x, i));
  const char *text = "";
  if (status == CLS_OK) status = cls_name_list_text(&list, &text);
  if (status == CLS_OK)
    cls_log(x->world, 1, "brain: %llu of %u regions have no %s, so all regions get equal sizes: %s",
            (unsigned long long)list.n, x->n, what, text);
  cls_name_list_free(&list);
  return status;
}

static bool complete(const cls_expansion *x, const double *size) {
  for (uint32_t i = 0; i < x->n; i++)
    if (!(size[x->kept[i]] > 0)) return false;
  return true;
}

/* *size: [n_regions] of the connectome, or NULL where all are equal. */
static cls_status choose_sizes(const cls_expansion *x, const double **size) {
  const cls_connectome *c = x->connectome;
  const double *area = c->area_mm2, *volume = c->volume_mm3;
  cls_region_sizes from = x->brain->sizes;
  *size = NULL;
  if (from == CLS_SIZES_EQUAL) return CLS_OK;
  const char *origin = c->origin ? c->origin : "";
  CLS_CHECK(from != CLS_SIZES_AREA || known(area, c->n_regions), CLS_ERR_INPUT,
            "brain.sizes: area: the connectome %s has no areas", origin);
  CLS_CHECK(from != CLS_SIZES_VOLUME || known(volume, c->n_regions), CLS_ERR_INPUT,
            "brain.sizes: volume: the connectome %s has no volumes", origin);
  if (from != CLS_SIZES_VOLUME && complete(x, area)) {
    *size = area;
    cls_log(x->world, 1, "brain: neurons in proportion to the areas of regions");
  } else if (from != CLS_SIZES_AREA && complete(x, volume)) {
    *size = volume;
    cls_log(x->world, 1, "brain: neurons in proportion to the volumes of regions");
  } else if (from == CLS_SIZES_VOLUME) {
    return log_equal(x, volume, "volume");
  } else if (known(area, c->n_regions)) {
    return log_equal(x, area, "area");
  } else {
    cls_log(x->world, 1, "brain: no areas and no volumes are known, so all regions get equal sizes");
  }
  return CLS_OK;
}

static cls_status divide_neurons(cls_expansion *x, const double *size) {
  double *weight = NULL;
  CLS_TRY(cls_alloc(&x->neurons, x->n, sizeof *x->neurons, "neurons of regions"));
  CLS_TRY(cls_alloc(&x->excitatory, x->n, sizeof *x->excitatory, "neurons of regions"));
  CLS_TRY(cls_alloc(&weight, x->n, sizeof *weight, "sizes of regions"));
  for (uint32_t i = 0; i < x->n; i++) weight[i] = size ? size[x->kept[i]] : 1;
  cls_status status =
      cls_apportion(x->brain->neurons, weight, x->n, CLS_REGION_MIN_NEURONS, x->neurons, "brain.neurons");
  free(weight);
  CLS_TRY(status);
  for (uint32_t i = 0; i < x->n; i++) {
    uint64_t n = x->neurons[i], e = (uint64_t)floor(x->brain->excitatory_share * (double)n + 0.5);
    x->excitatory[i] = e < 1 ? 1 : e > n - 1 ? n - 1 : e;
  }
  return CLS_OK;
}

cls_status cls_brain_regions(cls_expansion *x) {
  const double *size = NULL;
  CLS_TRY(choose_kept(x));
  CLS_TRY(choose_sizes(x, &size));
  return divide_neurons(x, size);
}
