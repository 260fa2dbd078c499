#include "assimilation/members.h"
#include "assimilation/collective.h"
#include "exchange/exchange.h"
#include "partition/partition.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cls_members_ {
  cls_world world, group;
  MPI_Comm comm; /* of the group */
  int groups, group_number;
  int members, first, n;
  const cls_network *network;
  const cls_backend *backend;
  cls_placement *placement;
  cls_engine *engine;
  cls_operator *operator;
  int64_t now;
  double simulate_s;
};

int cls_members_groups(const cls_world *world, const cls_network *network, int members) {
  const double limit = 1 << 30, bytes = 4 * network->expected_synapses;
  int groups = world->ranks < members ? world->ranks : members;
  while (groups > 1 && bytes * groups / world->ranks > limit) groups--;
  return groups;
}

/* Consecutive ranks and consecutive members make a group. */
static void divide(cls_members *m) {
  const int rank = m->world.rank, ranks = m->world.ranks;
  m->group_number = (int)(((int64_t)rank * m->groups) / ranks);
  m->first = (int)((int64_t)m->members * m->group_number / m->groups);
  m->n = (int)((int64_t)m->members * (m->group_number + 1) / m->groups) - m->first;
}

static cls_status build(cls_members *m, const cls_members_options *o) {
  const cls_network *network = o->job->network;
  const cls_world *group = &m->group;
  if (m->backend->fits) CLS_TRY(m->backend->fits(group, network, m->n));
  int parts = m->backend->parts(group->threads, network->n_neurons / (uint64_t)group->ranks);
  MPI_Allreduce(MPI_IN_PLACE, &parts, 1, MPI_INT, MPI_SUM, group->comm);
  cls_status status = cls_placement_create(network, group->ranks, parts, &m->placement);
  if (status == CLS_OK) status = cls_partition(network, o->job->partition_method, group->ranks, m->placement);
  CLS_TRY(cls_agree(group->comm, status));
  MPI_Bcast(m->placement->owner, (int)m->placement->n_blocks, MPI_INT32_T, 0, group->comm);
  const cls_engine_options options = {.members = m->n,
                                      .beat_ms = o->job->beat_ms,
                                      .begin = o->begin,
                                      .identity = o->identity + m->first,
                                      .scaled = true,
                                      .keeps = o->keeps};
  CLS_TRY(
      cls_engine_create(group, network, m->placement, &options, m->backend, &cls_exchange_mpi, &m->engine));
  status = cls_operator_create(group, network, m->placement, cls_engine_layout(m->engine), m->n, o->begin,
                               o->currents, &m->operator);
  CLS_TRY(cls_agree(group->comm, status));
  return cls_agree(group->comm, cls_engine_observe(m->engine, cls_operator_observer(m->operator)));
}

cls_status cls_members_create(const cls_members_options *o, cls_members **members) {
  cls_members *m = NULL;
  CLS_TRY(cls_agree(o->world->comm, cls_alloc(&m, 1, sizeof *m, "members")));
  *members = m;
  m->world = m->group = *o->world;
  m->members = o->members;
  m->network = o->job->network;
  m->backend = o->backend;
  m->now = o->begin;
  m->comm = MPI_COMM_NULL;
  m->groups = o->groups > 0 ? o->groups : cls_members_groups(o->world, m->network, o->members);
  CLS_CHECK(m->groups <= m->world.ranks && m->groups <= o->members, CLS_ERR_INPUT,
            "%d groups for %d ranks and %d members: expected at most as many as either", m->groups,
            m->world.ranks, o->members);
  divide(m);
  MPI_Comm_split(m->world.comm, m->group_number, m->world.rank, &m->comm);
  m->group.comm = m->comm;
  MPI_Comm_rank(m->comm, &m->group.rank);
  MPI_Comm_size(m->comm, &m->group.ranks);
  if (m->group_number > 0 && m->group.verbosity > 0) m->group.verbosity = 0;
  return cls_agree(m->world.comm, build(m, o));
}

void cls_members_destroy(cls_members *m) {
  if (!m) return;
  cls_operator_destroy(m->operator);
  cls_engine_destroy(m->engine);
  cls_placement_destroy(m->placement);
  if (m->comm != MPI_COMM_NULL) MPI_Comm_free(&m->comm);
  free(m);
}

void cls_members_mine(const cls_members *m, int *first, int *n) {
  *first = m->first;
  *n = m->n;
}

int cls_members_group_count(const cls_members *m) { return m->groups; }

const cls_world *cls_members_group(const cls_members *m) { return &m->group; }

cls_status cls_members_scale(cls_members *m, int member, const cls_scale *scales, size_t n) {
  return cls_engine_scale(m->engine, member - m->first, scales, n);
}

cls_balloon *cls_members_balloons(cls_members *m, int member) {
  return cls_operator_balloons(m->operator) + (size_t)(member - m->first) * cls_site_count(m->network);
}

/* An engine fails on one rank alone, and the others wait for it in vain: it says why, and ends all. */
static cls_status give_up(const cls_members *m, cls_status status) {
  if (m->world.ranks == 1) return status;
  fprintf(stderr, "callosum: rank %d: %s\n", m->world.rank, cls_error_message());
  fflush(NULL);
  MPI_Abort(m->world.comm, (int)status);
  return status;
}

cls_status cls_members_advance(cls_members *m, int64_t end) {
  const double begun = cls_seconds();
  int64_t reached = 0;
  cls_status status = cls_engine_run(m->engine, end, NULL, NULL, &reached);
  if (status == CLS_OK && reached != end)
    status = cls_fail(CLS_ERR_INTERNAL, "members stand at step %lld: expected %lld", (long long)reached,
                      (long long)end);
  if (status != CLS_OK) return give_up(m, status);
  m->now = end;
  m->simulate_s += cls_seconds() - begun;
  return CLS_OK;
}

/* Rows of the group's members to where they belong among all; every rank gets all. */
static void gather(const cls_members *m, const double *mine, size_t width, double *all) {
  memset(all, 0, (size_t)m->members * width * sizeof *all);
  if (m->group.rank == 0) memcpy(all + (size_t)m->first * width, mine, (size_t)m->n * width * sizeof *all);
  cls_sum_over_ranks(m->world.comm, all, (size_t)m->members * width, MPI_DOUBLE);
}

cls_status cls_members_look(cls_members *m, double cycle_s, double *bold, double *rate_hz, double *current,
                            cls_balloon *balloons) {
  const cls_outlook *outlook;
  const size_t regions = cls_site_count(m->network);
  CLS_TRY(cls_agree(m->world.comm, cls_operator_look(m->operator, cycle_s, &outlook)));
  gather(m, outlook->bold, regions, bold);
  gather(m, outlook->rate_hz, regions, rate_hz);
  if (current) gather(m, outlook->current, regions * CLS_MAX_RECEPTORS, current);
  gather(m, (const double *)cls_operator_balloons(m->operator), regions * 4, (double *)balloons);
  return CLS_OK;
}

cls_status cls_members_keep(cls_members *m, int member, const cls_keeper *keeper) {
  return cls_engine_keep_member(m->engine, member - m->first, keeper);
}

cls_status cls_members_digests(cls_members *m, uint64_t *digest) {
  memset(digest, 0, (size_t)m->members * sizeof *digest);
  cls_status status = CLS_OK;
  for (int i = 0; i < m->n && status == CLS_OK; i++)
    status = cls_engine_digest(m->engine, i, &digest[m->first + i]);
  CLS_TRY(cls_agree(m->world.comm, status));
  for (int i = 0; i < m->n && m->group.rank != 0; i++) digest[m->first + i] = 0;
  MPI_Allreduce(MPI_IN_PLACE, digest, m->members, MPI_UINT64_T, MPI_SUM, m->world.comm);
  return CLS_OK;
}

void cls_members_bytes(const cls_members *m, double *network_bytes, double *state_bytes) {
  cls_engine_report r;
  cls_engine_measure(m->engine, &r);
  double mine[2] = {(double)(r.store_bytes + r.route_bytes), (double)r.state_bytes}, all[2];
  MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_SUM, m->world.comm);
  *network_bytes = all[0];
  *state_bytes = all[1];
}

void cls_members_seconds(const cls_members *m, double *simulate_s, double *operator_s) {
  *operator_s = cls_operator_seconds(m->operator);
  *simulate_s = m->simulate_s - *operator_s;
}
