/* The default method. METIS 5.1 (Karypis & Kumar, SIAM J. Sci. Comput. 20, 1998) cuts the block graph with
 * three balance constraints; its objectives stand for ours only roughly (the volume counts a neighbouring
 * rank once however thin the edge, the cut counts it once per edge), so several of its answers, and the
 * contiguous order, are refined on the exact measure and the best is kept. Balance and messages are
 * recomputed here: METIS may break the balance asked for. */
#include "partition/metis_graph.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define IMBALANCE     1.03        /* asked of METIS, below CLS_BALANCE_LIMIT */
#define REFINE_BUDGET 60000000ull /* elementary operations per start */
/* Time of METIS grows about as edges x ranks, of its volume objective several times faster: further calls end
 * where their sum passes this, a second or two. */
#define METIS_WORK  6e7
#define VOLUME_COST 6

/* ---- starts ---- */

typedef struct {
  bool recursive;
  idx_t objective, seed;
} metis_call;

/* False where METIS gave up. */
static bool call_metis(cls_metis_graph *m, const metis_call *call, int ranks, idx_t *part) {
  idx_t options[METIS_NOPTIONS], parts = ranks, objective = 0;
  real_t imbalance[3] = {(real_t)IMBALANCE, (real_t)IMBALANCE, (real_t)IMBALANCE};
  METIS_SetDefaultOptions(options);
  options[METIS_OPTION_SEED] = call->seed;
  options[METIS_OPTION_OBJTYPE] = call->objective;
  if (call->recursive) {
    return METIS_PartGraphRecursive(&m->n, &m->n_weights, m->row, m->target, m->weight, NULL, m->cut_weight,
                                    &parts, NULL, imbalance, options, &objective, part) == METIS_OK;
  }
  bool volume = call->objective == METIS_OBJTYPE_VOL;
  return METIS_PartGraphKway(&m->n, &m->n_weights, m->row, m->target, m->weight, volume ? m->volume : NULL,
                             volume ? NULL : m->cut_weight, &parts, NULL, imbalance, options, &objective,
                             part) == METIS_OK;
}

/* METIS catches these signals while it works, and puts their handlers back such that they serve once only: the second
 * SIGTERM would kill the run. False where METIS gave up: another start is taken then. */
static bool ask(cls_metis_graph *m, const metis_call *call, int ranks, idx_t *part) {
  static const int caught[] = {SIGTERM, SIGABRT};
  enum { CAUGHT = sizeof caught / sizeof *caught };
  struct sigaction before[CAUGHT];
  for (int i = 0; i < CAUGHT; i++) sigaction(caught[i], NULL, &before[i]);
  const bool good = call_metis(m, call, ranks, part);
  for (int i = 0; i < CAUGHT; i++) sigaction(caught[i], &before[i], NULL);
  return good;
}

static double worst_of(const cls_partition_quality *q) {
  double worst = q->balance[0];
  for (int k = 1; k < 3; k++) worst = q->balance[k] > worst ? q->balance[k] : worst;
  return worst > CLS_BALANCE_LIMIT ? worst : CLS_BALANCE_LIMIT;
}

/* Refines placement->owner and keeps it in `best` where it is better: balance first, then messages. */
static cls_status consider(const cls_network *network, const cls_block_graph *graph, cls_placement *placement,
                           cls_partition_quality *best, int32_t *best_owner) {
  cls_partition_quality quality;
  double saved;
  CLS_TRY(cls_partition_refine(graph, REFINE_BUDGET, placement, &saved));
  CLS_TRY(cls_partition_measure(network, placement, graph, &quality));
  double worst = worst_of(&quality), least = worst_of(best);
  if (worst > least || (worst == least && quality.messages >= best->messages)) return CLS_OK;
  *best = quality;
  memcpy(best_owner, placement->owner, graph->n_blocks * sizeof *best_owner);
  return CLS_OK;
}

static cls_status consider_metis(const cls_network *network, const cls_block_graph *graph, int ranks,
                                 cls_placement *placement, cls_partition_quality *best, int32_t *best_owner) {
  static const metis_call calls[] = {{true, METIS_OBJTYPE_CUT, 1},  {false, METIS_OBJTYPE_CUT, 1},
                                     {false, METIS_OBJTYPE_VOL, 1}, {false, METIS_OBJTYPE_CUT, 2},
                                     {false, METIS_OBJTYPE_CUT, 3}, {false, METIS_OBJTYPE_CUT, 4},
                                     {false, METIS_OBJTYPE_VOL, 2}, {false, METIS_OBJTYPE_VOL, 3}};
  cls_metis_graph m = {0};
  idx_t *part = NULL;
  cls_status status = cls_metis_graph_build(network, placement, graph, ranks, &m);
  if (status == CLS_OK && m.n >= CLS_VERTICES_A_RANK * (idx_t)ranks && m.row[m.n] > 0) {
    status = cls_alloc(&part, (size_t)m.n, sizeof *part, "parts of vertices");
    double a_call = (double)m.row[m.n] * ranks, work = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls && status == CLS_OK; i++) {
      double cost = calls[i].objective == METIS_OBJTYPE_VOL ? a_call * VOLUME_COST : a_call;
      if (i >= 2 && work + cost > METIS_WORK) continue;
      work += cost;
      if (!ask(&m, &calls[i], ranks, part)) continue;
      for (uint32_t b = 0; b < graph->n_blocks; b++) {
        placement->owner[b] = (int32_t)part[cls_metis_vertex_of(placement, &m, b)];
      }
      status = consider(network, graph, placement, best, best_owner);
    }
  }
  free(part);
  cls_metis_graph_free(&m);
  return status;
}

cls_status cls_partition_metis(const cls_network *network, const cls_block_graph *graph, int ranks,
                               cls_placement *placement) {
  cls_partition_quality best = {.balance = {INFINITY, INFINITY, INFINITY}, .messages = INFINITY};
  int32_t *best_owner;
  CLS_TRY(cls_alloc(&best_owner, graph->n_blocks, sizeof *best_owner, "owners"));
  cls_partition_contiguous(graph, ranks, placement->owner);
  cls_status status = consider(network, graph, placement, &best, best_owner);
  if (status == CLS_OK) status = cls_partition_heaviest_first(graph, ranks, placement->owner);
  if (status == CLS_OK) status = consider(network, graph, placement, &best, best_owner);
  if (status == CLS_OK) status = consider_metis(network, graph, ranks, placement, &best, best_owner);
  if (status == CLS_OK) memcpy(placement->owner, best_owner, graph->n_blocks * sizeof *best_owner);
  free(best_owner);
  return status;
}
