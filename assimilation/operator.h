/* From spikes to what is observed: an observer of an engine that counts the spikes of every region in each millisecond, advances a
 * Balloon-Windkessel model (model/balloon.h) for every region and member, and knows mean rates and synaptic currents of a cycle.
 *
 * Unlike that of a recording, the haemodynamic state can be replaced between cycles: it is part of what an analysis corrects.
 *
 * What is called a region here is a site: a population where the network has no regions (io/assimilation_options.h). */
#ifndef CALLOSUM_OPERATOR_H
#define CALLOSUM_OPERATOR_H

#include "engine/engine.h"

typedef struct cls_operator_ cls_operator;

/* What members looked like over a cycle; [members][regions]. Complete on every rank of the engine. */
typedef struct {
  double *bold;    /* at its end, relative signal */
  double *rate_hz; /* mean over its neurons */
  double
      *current; /* [members][regions][CLS_MAX_RECEPTORS] mean over neurons and samples; NULL: not asked for */
} cls_outlook;

/* Local. For the engine with this placement and layout, which outlive it, whose first step to be computed is `begin`. `currents`: sampled every 10 ms, for neurons of the
 * same model as the network's first population. Balloons begin at rest. */
cls_status cls_operator_create(const cls_world *world, const cls_network *network,
                               const cls_placement *placement, const cls_layout *layout, int members,
                               int64_t begin, bool currents, cls_operator **self);
void cls_operator_destroy(cls_operator *self); /* NULL is fine */
const cls_observer *cls_operator_observer(const cls_operator *self);
/* Collective over the engine's ranks, when a cycle is over (the engine flushed). `outlook` is owned by the operator and holds until
 * the next cycle; counts begin anew. */
cls_status cls_operator_look(cls_operator *self, double cycle_s, const cls_outlook **outlook);
/* [members][regions], the same on all ranks of the engine: to be read after cls_operator_look(), or replaced before the next cycle. */
cls_balloon *cls_operator_balloons(cls_operator *self);
/* Seconds spent here. */
double cls_operator_seconds(const cls_operator *self);

#endif
