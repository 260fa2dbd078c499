/* How many neurons every region of a brain gets, and how many synapses each of them: which regions are
 * kept, what their sizes are taken from, how the total is divided, and the factor of their synapse
 * density. */
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

/* ---- neurons ---- */

/* Each at least as many as its unit has populations. */
static cls_status divide_neurons(cls_expansion *x, const double *size) {
  double *weight = NULL;
  uint64_t least = CLS_REGION_MIN_NEURONS;
  CLS_TRY(cls_alloc(&x->neurons, x->n, sizeof *x->neurons, "neurons of regions"));
  CLS_TRY(cls_alloc(&weight, x->n, sizeof *weight, "sizes of regions"));
  for (uint32_t i = 0; i < x->n; i++) {
    weight[i] = size ? size[x->kept[i]] : 1;
    if (cls_kept_unit(x, i)->n > least) least = cls_kept_unit(x, i)->n;
  }
  cls_status status = cls_apportion(x->brain->neurons, weight, x->n, least, x->neurons, "brain.neurons");
  free(weight);
  return status;
}

/* ---- in-degrees ---- */

/* The synapse density of a region relative to the reference, within bounds, multiplies its in-degree. */
static cls_status choose_densities(cls_expansion *x) {
  const cls_brain *b = x->brain;
  cls_name_list unknown = {.shown_at_most = 1000};
  uint32_t low = 0, high = 0;
  double least = INFINITY, most = 0, sum = 0;
  cls_status status = CLS_OK;
  CLS_TRY(cls_alloc(&x->density, x->n, sizeof *x->density, "synapse densities"));
  for (uint32_t i = 0; i < x->n && status == CLS_OK; i++) {
    double relative = b->density ? b->density[x->kept[i]] / b->density_reference : 1;
    if (isnan(relative)) {
      status = cls_name_list_add(&unknown, cls_kept_name(x, i));
      relative = 1;
    }
    if (b->density && relative < b->density_low) low++, relative = b->density_low;
    if (b->density && relative > b->density_high) high++, relative = b->density_high;
    x->density[i] = relative;
    least = relative < least ? relative : least;
    most = relative > most ? relative : most;
    sum += relative;
  }
  const char *text = "";
  if (status == CLS_OK) status = cls_name_list_text(&unknown, &text);
  if (status == CLS_OK && b->density) {
    cls_log(
        x->world, 1,
        "brain: synapse density relative to %g makes in-degrees of %.4g to %.4g, mean over regions %.4g (%u "
        "regions at the lower bound of %g, %u at the upper of %g)",
        b->density_reference, least * (double)b->indegree, most * (double)b->indegree,
        sum / x->n * (double)b->indegree, low, b->density_low, high, b->density_high);
    if (unknown.n > 0)
      cls_log(x->world, 1, "brain: %llu regions of unknown synapse density are taken as the reference: %s",
              (unsigned long long)unknown.n, text);
  }
  cls_name_list_free(&unknown);
  return status;
}

cls_status cls_brain_regions(cls_expansion *x) {
  const double *size = NULL;
  CLS_TRY(choose_kept(x));
  CLS_TRY(choose_sizes(x, &size));
  CLS_TRY(cls_alloc(&x->used, x->brain->n_units, sizeof *x->used, "units"));
  for (uint32_t i = 0; i < x->n; i++) x->used[cls_unit_number(x, i)] = true;
  CLS_TRY(divide_neurons(x, size));
  return choose_densities(x);
}
