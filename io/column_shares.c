#include "io/column_shares.h"
#include "io/record_columns.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- which columns go where ---- */

/* The pieces of `runs` that lie in one rank's share each, in order; `pieces` NULL: only counted. send_runs[ranks]: how
 * many go to each rank. */
static void cut(const cls_column_run *runs, size_t n_runs, const uint64_t *first, int ranks, int *send_runs,
                cls_column_run *pieces) {
  int to = 0;
  size_t n = 0;
  memset(send_runs, 0, (size_t)ranks * sizeof *send_runs);
  for (size_t i = 0; i < n_runs; i++)
    for (uint64_t at = runs[i].first, end = at + runs[i].n; at < end; n++) {
      while (at >= first[to + 1]) to++;
      const uint64_t stop = end < first[to + 1] ? end : first[to + 1];
      if (pieces) pieces[n] = (cls_column_run){at, stop - at};
      send_runs[to]++;
      at = stop;
    }
}

static void add_up(int ranks, const int *n, int *at) {
  for (int r = 0; r < ranks; r++) at[r] = r == 0 ? 0 : at[r - 1] + n[r - 1];
}

typedef struct {
  uint64_t *first; /* [ranks + 1] columns that each rank writes */
  int *send_n, *send_at, *receive_n, *receive_at;
  cls_column_run *pieces;
} plan;

static void free_plan(plan *p) {
  free(p->first);
  free(p->send_n);
  free(p->pieces);
}

static cls_status make_plan(const cls_column_run *runs, size_t n_runs, cls_shares *s, plan *p) {
  const size_t ranks = (size_t)s->ranks;
  for (size_t i = 0; i < n_runs; i++) s->n_owned += runs[i].n;
  CLS_TRY(cls_alloc(&p->first, ranks + 1, sizeof *p->first, "shares of columns"));
  cls_split_rows(s->ranks, s->n, 1, p->first);
  s->first = p->first[s->rank];
  s->here = p->first[s->rank + 1] - s->first;
  CLS_CHECK(s->n_owned <= INT_MAX && s->here <= INT_MAX, CLS_ERR_LIMIT,
            "%llu columns of a rank, of which it writes %llu, do not fit one message: expected at most %d",
            (unsigned long long)s->n_owned, (unsigned long long)s->here, INT_MAX);
  CLS_TRY(cls_alloc(&s->send_n, 4 * ranks, sizeof *s->send_n, "shares of columns"));
  s->send_at = s->send_n + ranks;
  s->receive_n = s->send_n + 2 * ranks;
  s->receive_at = s->send_n + 3 * ranks;
  CLS_TRY(cls_alloc(&s->run_first, ranks + 1, sizeof *s->run_first, "shares of columns"));
  CLS_TRY(cls_alloc(&p->send_n, 4 * ranks, sizeof *p->send_n, "shares of columns"));
  p->send_at = p->send_n + ranks;
  p->receive_n = p->send_n + 2 * ranks;
  p->receive_at = p->send_n + 3 * ranks;
  cut(runs, n_runs, p->first, s->ranks, p->send_n, NULL);
  add_up(s->ranks, p->send_n, p->send_at);
  const size_t pieces = (size_t)(p->send_at[s->ranks - 1] + p->send_n[s->ranks - 1]);
  CLS_TRY(cls_alloc(&p->pieces, pieces, sizeof *p->pieces, "shares of columns"));
  cut(runs, n_runs, p->first, s->ranks, p->send_n, p->pieces);
  for (int r = 0; r < s->ranks; r++)
    for (int i = 0; i < p->send_n[r]; i++) s->send_n[r] += (int)p->pieces[p->send_at[r] + i].n;
  return CLS_OK;
}

/* Collective. */
static void swap_runs(plan *p, cls_shares *s) {
  MPI_Datatype run;
  MPI_Type_contiguous(2, MPI_UINT64_T, &run);
  MPI_Type_commit(&run);
  MPI_Alltoallv(p->pieces, p->send_n, p->send_at, run, s->runs, p->receive_n, p->receive_at, run, s->comm);
  MPI_Type_free(&run);
  for (int r = 0; r < s->ranks; r++) {
    s->run_first[r + 1] = s->run_first[r] + (uint64_t)p->receive_n[r];
    for (uint64_t i = s->run_first[r]; i < s->run_first[r + 1]; i++) {
      s->runs[i].first -= s->first;
      s->receive_n[r] += (int)s->runs[i].n;
    }
  }
  add_up(s->ranks, s->send_n, s->send_at);
  add_up(s->ranks, s->receive_n, s->receive_at);
}

cls_status cls_shares_create(const cls_world *world, uint64_t n, const cls_column_run *runs, size_t n_runs,
                             cls_shares *shares) {
  cls_shares *s = shares;
  plan p = {0};
  *s = (cls_shares){.comm = world->comm, .rank = world->rank, .ranks = world->ranks, .n = n};
  cls_status status = cls_agree(s->comm, make_plan(runs, n_runs, s, &p));
  if (status == CLS_OK) {
    MPI_Alltoall(p.send_n, 1, MPI_INT, p.receive_n, 1, MPI_INT, s->comm);
    add_up(s->ranks, p.receive_n, p.receive_at);
    const size_t received = (size_t)(p.receive_at[s->ranks - 1] + p.receive_n[s->ranks - 1]);
    status = cls_agree(s->comm, cls_alloc(&s->runs, received, sizeof *s->runs, "shares of columns"));
  }
  if (status == CLS_OK) swap_runs(&p, s);
  free_plan(&p);
  return status;
}

void cls_shares_destroy(cls_shares *shares) {
  free(shares->send_n);
  free(shares->runs);
  free(shares->run_first);
  *shares = (cls_shares){0};
}

/* ---- moving them ---- */

typedef struct {
  int *send_n, *send_at, *receive_n, *receive_at; /* [ranks] cells */
  char *out, *in;
} buffers;

static cls_status make_buffers(const cls_shares *s, uint64_t rows, size_t bytes, buffers *b) {
  const size_t ranks = (size_t)s->ranks;
  CLS_CHECK(
      rows * s->n_owned <= INT_MAX && rows * s->here <= INT_MAX, CLS_ERR_LIMIT,
      "recorded rows between two flushes: %llu x %llu columns do not fit one message; lower record.flush_ms",
      (unsigned long long)rows, (unsigned long long)(s->n_owned > s->here ? s->n_owned : s->here));
  CLS_TRY(cls_alloc(&b->send_n, 4 * ranks, sizeof *b->send_n, "counts of cells"));
  b->send_at = b->send_n + ranks;
  b->receive_n = b->send_n + 2 * ranks;
  b->receive_at = b->send_n + 3 * ranks;
  for (size_t r = 0; r < ranks; r++) {
    b->send_n[r] = (int)rows * s->send_n[r];
    b->send_at[r] = (int)rows * s->send_at[r];
    b->receive_n[r] = (int)rows * s->receive_n[r];
    b->receive_at[r] = (int)rows * s->receive_at[r];
  }
  CLS_TRY(cls_alloc(&b->in, rows * s->here, bytes, "columns to write"));
  return cls_alloc(&b->out, rows * s->n_owned, bytes, "columns to write");
}

/* Rows of the columns of each rank, rank after rank. */
static void pack(const cls_shares *s, uint64_t rows, size_t bytes, const char *owned, const buffers *b) {
  for (int r = 0; r < s->ranks; r++)
    for (uint64_t row = 0; row < rows; row++)
      memcpy(b->out + ((uint64_t)b->send_at[r] + row * (uint64_t)s->send_n[r]) * bytes,
             owned + (row * s->n_owned + (uint64_t)s->send_at[r]) * bytes, (size_t)s->send_n[r] * bytes);
}

static void unpack(const cls_shares *s, uint64_t rows, size_t bytes, const buffers *b, char *here) {
  const char *in = b->in;
  for (int r = 0; r < s->ranks; r++)
    for (uint64_t row = 0; row < rows; row++)
      for (uint64_t i = s->run_first[r]; i < s->run_first[r + 1]; i++) {
        memcpy(here + (row * s->here + s->runs[i].first) * bytes, in, s->runs[i].n * bytes);
        in += s->runs[i].n * bytes;
      }
}

cls_status cls_shares_move(const cls_shares *shares, uint64_t rows, size_t bytes, const void *owned,
                           void *here) {
  buffers b = {0};
  cls_status status = cls_agree(shares->comm, make_buffers(shares, rows, bytes, &b));
  if (status == CLS_OK) {
    MPI_Datatype cell;
    MPI_Type_contiguous((int)bytes, MPI_BYTE, &cell);
    MPI_Type_commit(&cell);
    pack(shares, rows, bytes, owned, &b);
    MPI_Alltoallv(b.out, b.send_n, b.send_at, cell, b.in, b.receive_n, b.receive_at, cell, shares->comm);
    MPI_Type_free(&cell);
    unpack(shares, rows, bytes, &b, here);
  }
  free(b.send_n);
  free(b.in);
  free(b.out);
  return status;
}
