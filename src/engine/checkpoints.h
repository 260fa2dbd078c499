/* When a running engine is saved, and what has to be ready then. */
#ifndef CALLOSUM_CHECKPOINTS_H
#define CALLOSUM_CHECKPOINTS_H

#include "engine/instance.h"

/* Collective, when a run begins. */
cls_status cls_checkpoints_begin(cls_engine *engine);
/* Local: what this rank asks for at a beat. */
int cls_checkpoints_ask(cls_engine *engine);
/* Local, at a beat, the same on all ranks: what they `asked` for. True where all must stop at once. */
bool cls_checkpoints_plan(cls_engine *engine, int asked);
/* Local: the next step at which a window must end on account of checkpoints of a run until `end`. */
int64_t cls_checkpoints_next(const cls_engine *engine, int64_t end);
/* Local, before a window: lets the backend show all spikes where a checkpoint is near. */
cls_status cls_checkpoints_collect(cls_engine *engine, int64_t end);
/* Local: notes spikes of own neurons that are shown. */
cls_status cls_checkpoints_note(cls_engine *engine, int member, const cls_spikes *spikes);
/* Local: engine->marked becomes those of `spikes` whose bit is set (NULL: none). */
cls_status cls_checkpoints_mark(cls_engine *engine, const cls_spikes *spikes, const uint64_t *bits);
/* Whether the engine is to be saved now, or made ready to be kept between runs; collective: does it, after observers were flushed. */
bool cls_checkpoints_due(const cls_engine *engine, int64_t end);
cls_status cls_checkpoints_save(cls_engine *engine, int64_t end, bool *stop);

#endif
