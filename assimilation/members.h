/* The members of an ensemble, spread over groups of ranks: a group has one copy of the network, shared by the batch of members that it
 * advances. A member draws its noise under its own number, so that what it does depends neither on its group nor on its batch.
 *
 * A member is kept in a folder of its own, DIR/members/NNN, as a checkpoint of a run with one member (io/checkpoint.h) that has some
 * arrays more: its hyperparameters, its haemodynamics and what it expects to be observed. */
#ifndef CALLOSUM_MEMBERS_H
#define CALLOSUM_MEMBERS_H

#include "assimilation/operator.h"
#include "io/checkpoint.h"

/* Numbers under which the truth of a twin and its like draw their noise: no member of an ensemble has them. */
enum { CLS_IDENTITY_TRUTH = 1 << 19, CLS_IDENTITY_REPLICATE };

typedef struct {
  const cls_world *world;
  const cls_job *job;
  const cls_backend *backend;
  const int *identity; /* [members] ascending; borrowed until created */
  int members;
  int groups;    /* of ranks; 0: chosen, see cls_members_groups() */
  int64_t begin; /* first step to be computed */
  bool currents; /* what is observed includes currents */
  bool keeps;    /* members will be saved */
} cls_members_options;

typedef struct cls_members_ cls_members;

/* Collective. Builds each group's network. */
cls_status cls_members_create(const cls_members_options *options, cls_members **members);
void cls_members_destroy(cls_members *members); /* collective; NULL is fine */
/* As many groups as there are ranks and members to share out, unless copies of the network would take more than 1 GiB each in a rank. */
int cls_members_groups(const cls_world *world, const cls_network *network, int members);
/* Of this rank's group: its members are number *first ... *first + *n - 1 of those created. */
void cls_members_mine(const cls_members *members, int *first, int *n);
int cls_members_group_count(const cls_members *members);
/* Local: sets what member number `m` (of this group) has otherwise than the description. */
cls_status cls_members_scale(cls_members *members, int m, const cls_scale *scales, size_t n);
/* Local: the haemodynamics of member `m`, [regions], of this group; they may be replaced between cycles. */
cls_balloon *cls_members_balloons(cls_members *members, int m);
/* Collective: advances all to step `end`. A failure, which may be one rank's alone, ends all ranks with a message where there are several. */
cls_status cls_members_advance(cls_members *members, int64_t end);
/* Collective over all ranks. What the cycle that is over looked like, of all members and on every rank:
 * bold, rate_hz [members][regions], current [members][regions][CLS_MAX_RECEPTORS] (NULL: none), balloons [members][regions]. Caller's arrays. */
cls_status cls_members_look(cls_members *members, double cycle_s, double *bold, double *rate_hz,
                            double *current, cls_balloon *balloons);
/* Collective over the group of `m`: saves it to, or loads it from, a keeper of the group's ranks. */
cls_status cls_members_keep(cls_members *members, int m, const cls_keeper *keeper);
const cls_world *cls_members_group(const cls_members *members); /* the ranks of this group */
/* Collective: digests [members] on all ranks; bytes of all ranks: of synapses and what belongs to them, of states of neurons. */
cls_status cls_members_digests(cls_members *members, uint64_t *digest);
void cls_members_bytes(const cls_members *members, double *network_bytes, double *state_bytes);
/* Seconds of this rank: simulation, haemodynamics. */
void cls_members_seconds(const cls_members *members, double *simulate_s, double *operator_s);

#endif
