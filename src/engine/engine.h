/* The simulator's loop and what it is made of on one rank: the layout of neurons in memory, the synapse
 * stores, in-flight spikes, members, and the tables of functions through which backends, the exchange and
 * observers are reached. */
#ifndef CALLOSUM_ENGINE_H
#define CALLOSUM_ENGINE_H

#include "engine/keeper.h"
#include "engine/packets.h"
#include "model/balloon.h"
#include "network/network.h"
#include <signal.h>

/* ---- layout: where a rank keeps its neurons ---- */

/* Contiguous neurons of one population (adjacent blocks, or a piece of them). Its neurons have the local indices
 * local ... local + n - 1; `local` is a multiple of 16 and the tail up to the next multiple of 16 is padding.
 */
typedef struct {
  uint32_t population;
  uint32_t first; /* index in the population, a multiple of 64 */
  uint32_t n;
  uint32_t local;
} cls_range;

/* At most 65,536 local indices (with padding) that are addressed by 16-bit targets. */
typedef struct {
  uint32_t local, n;                /* first local index, number of local indices */
  uint32_t range_first, range_last; /* its ranges: [range_first, range_last) */
} cls_shard;
enum { CLS_SHARD_MAX = 65536 };

/* A part is what one thread owns: whole shards, and one synapse store. */
typedef struct {
  uint32_t shard_first, shard_last;
} cls_part;

typedef struct {
  cls_range *ranges;
  cls_shard *shards;
  cls_part *parts;
  uint32_t *order; /* ranges by (population, first); NULL: they ascend */
  uint32_t n_ranges, n_shards, n_parts;
  uint32_t n_local;   /* local indices, with padding */
  uint64_t n_neurons; /* real neurons of this rank */
} cls_layout;

/* Range that holds a local index (binary search). */
uint32_t cls_layout_range_of(const cls_layout *layout, uint32_t local);
/* The k-th range by (population, first). */
uint32_t cls_layout_nth(const cls_layout *layout, uint32_t k);
/* Range that holds neuron `index` of `population`, UINT32_MAX where this rank does not have it. */
uint32_t cls_layout_find(const cls_layout *layout, uint32_t population, uint64_t index);

/* ---- spikes ---- */

/* Spikes of this rank's neurons in steps [begin, end): those of step begin + k are
 * neuron[first[k]] ... neuron[first[k + 1] - 1], local indices, in no particular order. Owned by the backend,
 * valid until its next advance of the same member. */
typedef struct {
  int64_t begin, end;
  const uint32_t *neuron;
  const uint32_t *first; /* end - begin + 1 */
} cls_spikes;

/* A spike of a source this rank has synapses from. */
typedef struct {
  uint32_t slot; /* index into the rank's sources */
  uint32_t age;  /* steps between the step of the spike and the step to be computed next, >= 1 */
} cls_arrival;

/* ---- plastic synapses ---- */

/* A synapse with STDP. */
typedef struct {
  uint64_t source, target; /* global */
  uint32_t projection;
  uint32_t part;  /* whose it is, */
  uint64_t at;    /* and its number there */
  uint16_t delay; /* steps */
  int16_t drawn;  /* weight before any spike, in quanta of the target's population and receptor */
} cls_plastic_synapse;

/* A spike: of a source (slot) or of a neuron (local index), and its step. */
typedef struct {
  uint32_t of;
  int64_t step;
} cls_fired;

/* The step of a spike that never was. */
#define CLS_NEVER_FIRED (INT64_MIN / 2)

/* What the plastic synapses of one part remember in one member before step `now` is computed. Values of a source: its traces,
 * then u and x of every kind of short-term plasticity; of a neuron: its traces; in the order of the part's store
 * (engine/plastic_store.h). */
typedef struct {
  int64_t now, since;
  const int32_t *v; /* [n_stdp] weights, to which nothing is pending from before `now` */
  /* Of every source [slots], and of every local index of the part: its newest spike before `since`, and the values that
   * spike found. CLS_NEVER_FIRED: there was none, or it does not matter here. */
  const int64_t *pre_step, *post_step;
  const float *pre_value, *post_value;
  /* All spikes of steps since ... now - 1, by step: of sources (slots), and of neurons of this rank (local indices). */
  const cls_fired *heard, *own;
  size_t n_heard, n_own;
} cls_plastic_memory;

/* ---- backends ---- */

/* What a backend with a device of its own did for the host in the course of a run. */
typedef struct {
  uint64_t launches, steps;             /* kernels; steps advanced (members together) */
  uint64_t copies_in, copies_out;       /* copies to the device and back, */
  uint64_t bytes_in, bytes_out;         /* and their bytes */
  uint64_t allocations;                 /* of device memory, after it was made */
  uint64_t update_bytes, deliver_bytes; /* least traffic of its memory that the work so far asks for */
} cls_profile;

struct cls_store_;
struct cls_neurons_;
/* What a backend is made from. Everything is owned by the engine and outlives the instance. */
typedef struct {
  const cls_world *world;
  const cls_network *network;
  const cls_layout *layout;
  /* Constants, inputs, where states lie (engine/neurons.h): one per member; members with the same parameters
   * share one. States lie alike in all. */
  const struct cls_neurons_ *const *neurons;
  const int *identity;              /* [members] the number a member draws noise and initial states under */
  struct cls_store_ *const *stores; /* one per part (engine/store.h) */
  const uint32_t *local_slot;       /* [n_local] slot of each neuron of this rank among the stores' sources;
                                       UINT32_MAX: it has no synapse here */
  const uint64_t *source_neuron;    /* [slots] global number of each source */
  int members;
  int64_t begin;             /* first step to be computed */
  int node_rank, node_ranks; /* this rank among those of its node, and how many they are */
  /* Where it is to make packets by itself: who needs them (this is gone when the instance is destroyed), and what else can
   * be done while it waits for its device. Both NULL: it is not. */
  const cls_routes *routes;
  void (*meanwhile)(void *context);
  void *context;
} cls_backend_setup;

/* What becomes of counts where they drive haemodynamics: the balloon model of every group, advanced by each bin, and looked
 * at when a volume is complete. */
typedef struct {
  cls_balloon_consts consts;
  const uint64_t *size; /* [n_groups] neurons of each group, all of them on this rank */
  double bin_s;
  int64_t bins; /* of a volume */
} cls_haemodynamics;

/* Numbers of spikes of groups of neurons, in bins: bin k holds steps [k interval, (k + 1) interval). */
typedef struct {
  int64_t interval;
  int64_t first; /* steps before it are not counted */
  uint32_t n_groups;
  const uint32_t *group_of_16; /* group of local index i is group_of_16[i / 16]; CLS_NO_GROUP: none */
  const cls_haemodynamics *haemodynamics; /* not NULL: volumes are handed over in place of counts */
} cls_tally;
#define CLS_NO_GROUP UINT32_MAX

/* Of the groups of such a tally in one member: the balloon model when the last whole bin was over, spikes of whole bins since
 * the last volume, and those of the bin that is not over. All [n_groups]. */
typedef struct {
  cls_balloon *balloon;
  uint64_t *during;
  uint32_t *partial;
} cls_haemodynamic_state;

/* What is to be known of spikes where not all of them are: counts, and the spikes of some neurons. */
typedef struct {
  const cls_tally *tallies;
  int n_tallies;
  const uint64_t *marked; /* bit i % 64 of marked[i / 64]: spikes of local index i; NULL: of none */
  uint32_t n_marked;
  int64_t steps; /* at most so many between two times that the observer is told */
} cls_watch;

/* A state of one neuron: neuron `index` of range `range` of the layout. */
typedef struct {
  uint32_t range, index;
  int state; /* of the population's model */
} cls_probe;

/* A backend advances all neurons of a rank. Instances are opaque to the engine; state lives in them. All
 * calls are local. Functions may return any error; the run then ends on all ranks.
 *
 * A backend may keep spikes to itself (`watch` is not NULL): it hands those of this rank's neurons to their synapses here
 * without being asked, in windows of any length, and shows spikes only as far as watch() says. Others show all spikes, and
 * the engine delivers them. */
typedef struct {
  const char *name; /* "/cpu/serial" */
  const char *about;
  /* How many parts a rank of `threads` threads and `neurons` neurons is cut into. */
  int (*parts)(int threads, uint64_t neurons);
  /* Collective, before anything is built: CLS_ERR_MEMORY with a table of sizes where what is expected of the network does
   * not fit its device. NULL: it has none. */
  cls_status (*fits)(const cls_world *world, const cls_network *network, int members);
  /* Local: asks nothing of other ranks, which may have another backend. */
  cls_status (*create)(const cls_backend_setup *setup, void **instance);
  void (*destroy)(void *instance);
  /* Hands over spikes of member `member`. An event of delay d is due in step (next step - age + d), which is
   * never in the past (see cls_arrival). `arrivals` is borrowed. */
  cls_status (*deliver)(void *instance, int member, const cls_arrival *arrivals, size_t n);
  /* Forgets all that is in flight to member `member` and starts anew from `arrivals`: every spike whose events
   * may still be due at step `now`, the next to be computed, or later (age <= the greatest delay). Events due
   * before `now` have acted and are left out. Rows are read from the stores as they are now. What is in flight to
   * plastic synapses stays: their weights are never drawn again. */
  cls_status (*redeliver)(void *instance, int member, int64_t now, const cls_arrival *arrivals, size_t n);
  /* Advances all members from step `begin` to `end`; end - begin <= the least local delay, unless the backend keeps
   * spikes to itself. */
  cls_status (*advance)(void *instance, int64_t begin, int64_t end);
  /* The same of one member, wherever the others are: what a single rank calls, without its exchange. NULL: members advance
   * together, which is so of all that keep spikes to themselves. */
  cls_status (*advance_member)(void *instance, int member, int64_t begin, int64_t end);
  /* Who spiked in the steps advanced since the last call for this member, as far as spikes are shown. */
  cls_status (*spikes)(void *instance, int member, cls_spikes *spikes);
  /* The following seven are NULL for backends that show all spikes.
   * What to show from now on: all spikes after every advance (`all`), or what `watch` asks for (NULL: nothing; borrowed). */
  cls_status (*watch)(void *instance, bool all, const cls_watch *watch);
  /* Counts of a tally of `watch` since the last call: count[k * n_groups + group] of bin *bin + k, k < *n; the first and
   * the last bin may have been counted in part. Borrowed until the next call. */
  cls_status (*counts)(void *instance, int member, int tally, int64_t *bin, int64_t *n,
                       const uint32_t **count);
  /* The same of a tally with haemodynamics: volumes *volume + k, k < *n, complete since the last call: signal[k * n_groups +
   * group], and spikes during it. */
  cls_status (*volumes)(void *instance, int member, int tally, int64_t *volume, int64_t *n,
                        const double **signal, const uint64_t **spikes);
  /* Copies the states of a tally with haemodynamics out, after its volumes were asked for, or in, before the first step. */
  cls_status (*haemodynamics)(void *instance, int member, int tally, bool put, cls_haemodynamic_state *state);
  /* From now on spikes() shows all spikes (`all`), whatever watch() asked for, or again what it asked for; counts and volumes go
   * on. What was kept and not shown before stays to be shown. */
  cls_status (*show_all)(void *instance, bool all);
  /* Digest (see cls_engine_digest) and number of this rank's spikes of a member since the instance was made. */
  cls_status (*tell)(void *instance, int member, uint64_t *digest, uint64_t *spikes);
  /* What the engine owns of member parameters (cls_backend_setup.neurons) was changed by an intervention. */
  cls_status (*reread)(void *instance);
  /* Sum over the neurons of each range of the synaptic current of each receptor, now, in units of
   * 1 / CLS_CURRENT_ONE of the model's current unit, rounded per neuron: sums[range * CLS_MAX_RECEPTORS +
   * receptor]. Integers, so that sums over ranks do not depend on the layout. */
  cls_status (*currents)(void *instance, int member, int64_t *sums);
  /* Copies state `state` of the neurons of range `range` to or from `values` (n of the range). */
  cls_status (*get_state)(void *instance, int member, uint32_t range, int state, float *values);
  cls_status (*put_state)(void *instance, int member, uint32_t range, int state, const float *values);
  /* The states at `probes`, now: values[i] is that of probes[i]. */
  cls_status (*probe)(void *instance, int member, const cls_probe *probes, size_t n, float *values);
  /* Weights of the plastic synapses of a part as they are now, in units of 2^-30 of the greatest: *v lists those with STDP
   * by number; borrowed until the next call for this member. What an event due in the next step would find. */
  cls_status (*weights)(void *instance, int member, uint32_t part, const int32_t **v);
  /* What the plastic synapses of a part remember of spikes before step `since`, at most network->plastic_window steps back:
   * fills the four arrays as cls_plastic_memory says. Parts without plastic synapses are not asked. */
  cls_status (*recall)(void *instance, int member, uint32_t part, int64_t since, int64_t *pre_step,
                       float *pre_value, int64_t *post_step, float *post_value);
  /* The other way, before the first step: takes all that the plastic synapses of a part remember; spikes whose events are due
   * at memory->now or later are in flight again. `memory` is borrowed for the call. */
  cls_status (*remember)(void *instance, int member, uint32_t part, const cls_plastic_memory *memory);
  /* Bytes held now; seconds spent so far in update and in delivery (of the slowest thread), events delivered.
   */
  void (*report)(void *instance, size_t *bytes, double *update_s, double *deliver_s, uint64_t *events);
  /* What it asked of its device. NULL: it has none. */
  void (*profile)(void *instance, cls_profile *profile);
  /* Makes packets of spikes for other ranks, and takes theirs, without showing spikes. NULL: it must show them. */
  const cls_packer *packer;
} cls_backend;
#define CLS_CURRENT_ONE 1048576.0

/* ---- exchange ---- */

/* What an exchange has done so far. */
typedef struct {
  uint64_t messages; /* (spike, remote rank) pairs sent */
  uint64_t packets, bytes;
  uint64_t late; /* packets that were not there yet when they were needed */
  double pack_s, wait_s;
  size_t memory;
} cls_exchange_report;

/* Sends local spikes to the ranks that need them and hands over what arrives. One instance per engine. */
typedef struct {
  const char *name;
  /* Collective. `sources` are the global neurons this rank has synapses from, ascending; min_delay[i] is the
   * least delay of source i's synapses here, in steps. local_slot (n_local entries, to be filled) maps a
   * local index to its slot in `sources` or UINT32_MAX. */
  cls_status (*create)(const cls_world *world, const cls_network *network, const cls_placement *placement,
                       const cls_layout *layout, const uint64_t *sources, const uint32_t *min_delay,
                       uint32_t n_sources, int members, uint32_t *local_slot, void **instance);
  void (*destroy)(void *instance);
  /* Local. Who needs whose spikes. Owned by the instance. */
  const cls_routes *(*routes)(const void *instance);
  /* Local. Begins; step `now` is to be computed first. Packets are made and taken by `packer`, which outlives the instance. NULL: by the exchange, which is to be
   * given all spikes by send() and hands over what arrives by receive(). */
  cls_status (*start)(void *instance, int64_t now, const cls_packer *packer, void *packer_instance);
  /* Local. Whether there is somebody for whom send() must see all spikes. */
  bool (*wants_spikes)(const void *instance);
  /* Local. The furthest step <= `wanted` up to which steps from `now` on may be computed with what has
   * arrived or with what await() will wait for. */
  int64_t (*horizon)(void *instance, int64_t now, int64_t wanted);
  /* Local: notes the spikes of a member. */
  cls_status (*send)(void *instance, int member, const cls_spikes *spikes);
  /* Local: all members have come to step `now`, the next to be computed. Starts sending what has become due. */
  cls_status (*ship)(void *instance, int64_t now);
  /* Waits for what must be known before step `now` is computed. */
  cls_status (*await)(void *instance, int64_t now);
  /* Local. Returns, for one member, everything that arrived since the last call; nothing where another's packer took it.
   * Borrowed until the next call for this member. */
  cls_status (*receive)(void *instance, int member, int64_t now, const cls_arrival **arrivals, size_t *n);
  /* Collective. Tells the ranks that need the spikes of local neurons what is known of them: record i (of `bytes` bytes each) is
   * of local index of[i]. Hands over what others told of this rank's sources: *records, number k about slot (*slots)[k], those of
   * one source in the order they were given; freed by the caller. */
  cls_status (*share)(void *instance, const uint32_t *of, const void *records, size_t n, size_t bytes,
                      uint32_t **slots, void **shared, size_t *n_shared);
  /* Collective. The other way: tells the ranks whose neurons this rank's sources are; record i is of slot of[i], those of own
   * neurons are left out. *locals are local indices. */
  cls_status (*give_back)(void *instance, const uint32_t *of, const void *records, size_t n, size_t bytes,
                          uint32_t **locals, void **given, size_t *n_given);
  /* Local. Lets messages that are under way go on; for those who wait for something else. */
  void (*progress)(void *instance);
  void (*report)(void *instance, cls_exchange_report *report);
} cls_exchange;

/* ---- observers ---- */

/* A member at the end of a step, for observers to ask about. Valid during the call that shows it. */
typedef struct {
  const cls_backend *backend;
  void *instance; /* of the backend */
  int member;
  const cls_network *network; /* with the member's parameters */
  int64_t *sums;              /* room for the currents of all ranges */
  bool summed;                /* `sums` holds them */
} cls_view;
/* Local. See cls_backend.currents: computed once, however many observers ask. */
cls_status cls_view_currents(cls_view *view, const int64_t **sums);
/* Local. See cls_backend.probe. */
cls_status cls_view_probe(cls_view *view, const cls_probe *probes, size_t n, float *values);

/* Local. Weights now of plastic synapses of this rank, in the unit of their projection's weight. */
cls_status cls_view_weights(cls_view *view, const cls_plastic_synapse *synapses, size_t n, float *weights);

/* Looks at a run. The functions are called by the engine; NULL ones are skipped. */
typedef struct {
  void *self;
  /* Local: spikes of one member, every step exactly once, in order of time. Members may be steps apart from each other until
   * somebody looks, or flushes. */
  cls_status (*spikes)(void *self, int member, const cls_spikes *spikes);
  /* What it can make do with in place of `spikes` (NULL: it needs all), and who is told before every flush. A backend that
   * keeps spikes to itself then hands over counts, which add to those of earlier calls, and the spikes of marked neurons. */
  const cls_watch *watch;
  cls_status (*counts)(void *self, int member, int tally, int64_t bin, int64_t n, const uint32_t *count);
  /* Of a tally with haemodynamics, also where n = 0. */
  cls_status (*volumes)(void *self, int member, int tally, int64_t volume, int64_t n, const double *signal,
                        const uint64_t *spikes);
  cls_status (*marked)(void *self, int member, const cls_spikes *spikes);
  /* Local. After how many steps of the run, more than `now`, it wants to look at the members next; INT64_MAX:
   * never again. The same answer until then. */
  int64_t (*next_look)(void *self, int64_t now);
  /* Local: at that time, once for each member, before or after another has come there; `step` is the last one computed. */
  cls_status (*look)(void *self, int member, int64_t step, cls_view *view);
  /* Collective: all steps before `step` were seen on all ranks. Called when step % flush_interval == 0, and
   * once at the end of the run. flush_interval >= 1. */
  int64_t flush_interval;
  cls_status (*flush)(void *self, int64_t step);
} cls_observer;

/* ---- the engine ---- */

typedef struct cls_engine_ cls_engine;

/* What a rank may ask for at any time; the greatest of all ranks' wishes counts, and all act on it at the same later step. */
enum { CLS_ASK_NOTHING, CLS_ASK_SAVE, CLS_ASK_SAVE_AND_STOP };

/* Who writes checkpoints. */
typedef struct {
  void *self;
  /* Local, at every beat: what this rank asks for by itself (a clock). NULL: nothing. */
  int (*ask)(void *self);
  int64_t interval; /* steps of biology between checkpoints; 0: none because of that */
  bool at_end;      /* also when the last step was computed */
  /* Collective: step `step` is to be computed next; observers have been flushed. */
  cls_status (*save)(void *self, int64_t step);
} cls_saver;

typedef struct {
  int members;    /* >= 1 */
  double beat_ms; /* biology between beats, default 100 */
  int64_t begin;  /* first step to be computed: 0, or where a checkpoint left off (cls_engine_keep) */
  /* May be NULL; one of CLS_ASK_..., set by signals. It is reset to CLS_ASK_NOTHING when a checkpoint was asked for. Without a saver every
   * wish is to stop. */
  volatile sig_atomic_t *ask;
  const cls_saver *saver; /* may be NULL; must outlive the engine */
  /* Both may be NULL. variants[m]: the description whose parameters, inputs and initial values member m has
   * (NULL: the network's); it must outlive the engine and differ in nothing else, see cls_network_alike().
   * identity[m]: the number under which member m draws its noise and initial states (default m). */
  const cls_network *const *variants;
  const int *identity;
  bool scaled; /* members have scales of their own: see cls_engine_scale() */
  bool
      keeps; /* cls_engine_keep() and cls_engine_keep_member() may be called whenever cls_engine_run() has returned */
} cls_engine_options;

/* What a member has otherwise than the description says, of all neurons of a population: what assimilation estimates. */
typedef enum { CLS_OF_PARAM, CLS_OF_INPUT_PARAM, CLS_OF_RECEPTOR } cls_scale_kind;
typedef struct {
  cls_scale_kind kind;
  uint32_t population;
  int input; /* CLS_OF_INPUT_PARAM: number of the population's input */
  int which; /* parameter of the model or of the input's model; receptor, over all ports */
  bool set;  /* `value` replaces what the description says (not of receptors), else it multiplies it */
  double value;
} cls_scale;

/* What a run has done so far. Counts are of this rank; seconds of this rank. */
typedef struct {
  uint64_t neurons, synapses, spikes, events, messages, packets, late_packets,
      sent_bytes;                        /* since it was made */
  uint64_t spikes_before, events_before; /* until the checkpoint it continues from; on rank 0, of all ranks */
  size_t store_bytes, state_bytes, route_bytes;
  double create_s, connect_s, update_s, deliver_s, exchange_s, wait_s, record_s, save_s;
  bool profiled;
  cls_profile profile; /* where `profiled` */
} cls_engine_report;

/* Collective: lays out this rank's blocks, draws its synapses, builds routes, starts the states. The network
 * and the placement must outlive the engine. */
cls_status cls_engine_create(const cls_world *world, const cls_network *network,
                             const cls_placement *placement, const cls_engine_options *options,
                             const cls_backend *backend, const cls_exchange *exchange, cls_engine **engine);
/* Collective, on the copy of the communicator that create made. NULL is fine. */
void cls_engine_destroy(cls_engine *engine);
/* Local. The observer is copied; its `self` must live until the engine is destroyed or has run. */
cls_status cls_engine_observe(cls_engine *engine, const cls_observer *observer);
/* Collective. Computes steps until `end` (absolute, from 0) or until a stop was asked for; `*reached` is
 * where it stands. `progress` (may be NULL) is called on every rank at every beat. */
typedef void (*cls_progress)(void *context, int64_t step);
cls_status cls_engine_run(cls_engine *engine, int64_t end, cls_progress progress, void *context,
                          int64_t *reached);
/* Local, the same on all ranks: whether the last cls_engine_run() ended because a stop was asked for (perhaps at its end). */
bool cls_engine_stopped(const cls_engine *engine);
/* Collective. Saves all that the steps to come depend on, as it is before the next step: from within cls_saver.save, or between
 * runs where options.keeps. (A member's scales are the caller's to keep.) Or loads it,
 * into an engine that has not run and whose options.begin is the step at which it was saved; members, network, seed and dt must
 * be the same, everything else may differ. Arrays "engine/...". */
cls_status cls_engine_keep(cls_engine *engine, const cls_keeper *keeper);
/* Local. See cls_backend.haemodynamics, of a tally that an observer of this engine watches. CLS_ERR_INTERNAL where the backend
 * does not advance it. */
cls_status cls_engine_haemodynamics(cls_engine *engine, int member, int tally, bool put,
                                    cls_haemodynamic_state *state);
/* Collective. The same for member `member` of the engine alone, as a run with this one member would be kept: arrays are those of
 * member 0; of events, which are not counted by member, it is given an equal share. A loading engine may take each of its members from
 * another keeper, in any order; the member's identity is to be the one it had. */
cls_status cls_engine_keep_member(cls_engine *engine, int member, const cls_keeper *keeper);
/* Local, the same on all ranks. From the next step on `scales` [n], which replace those of earlier calls (0: none), act on what the
 * description and the interventions that have acted by then say of member `member`; several on one thing act in their order.
 * States stay as they are. Copied. Needs options.scaled. CLS_ERR_INPUT where parameters do not fit together then: names population,
 * parameter and value; the member keeps what it had. (Parameters that vary between neurons are looked at as means on every rank, then one by one
 * where the neurons are: of those a rank may complain alone.) */
cls_status cls_engine_scale(cls_engine *engine, int member, const cls_scale *scales, size_t n);
const cls_layout *cls_engine_layout(const cls_engine *engine);
void cls_engine_measure(const cls_engine *engine, cls_engine_report *report);
/* Collective. Order-free hash of all (neuron, step) spikes of a member so far:
 * sum of cls_mix64(cls_mix64(neuron) + step) modulo 2^64. The same on every layout. */
cls_status cls_engine_digest(const cls_engine *engine, int member, uint64_t *digest);

/* Local. This rank's synapses with STDP of a projection, by (target, source, delay, drawn): the lists of all ranks,
 * merged, are the same on any layout. The caller frees *list. */
cls_status cls_engine_plastic(const cls_engine *engine, uint32_t projection, cls_plastic_synapse **list,
                              size_t *n);
/* Collective. Order-free hash of the weights of all synapses with STDP of a member as they are now, the same on every
 * layout, and how many there are. */
cls_status cls_engine_weights_digest(const cls_engine *engine, int member, uint64_t *digest,
                                     uint64_t *synapses);

#endif
