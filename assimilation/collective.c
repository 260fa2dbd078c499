#include "assimilation/collective.h"

enum { AT_ONCE = 1 << 28 };

static int part(size_t n, size_t done) { return (int)(n - done < AT_ONCE ? n - done : AT_ONCE); }

void cls_sum_over_ranks(MPI_Comm comm, void *numbers, size_t n, MPI_Datatype type) {
  int ranks, size;
  MPI_Comm_size(comm, &ranks);
  MPI_Type_size(type, &size);
  for (size_t done = 0; ranks > 1 && done < n; done += AT_ONCE)
    MPI_Allreduce(MPI_IN_PLACE, (char *)numbers + done * (size_t)size, part(n, done), type, MPI_SUM, comm);
}

void cls_tell_ranks(MPI_Comm comm, void *bytes, size_t n) {
  for (size_t done = 0; done < n; done += AT_ONCE)
    MPI_Bcast((char *)bytes + done, part(n, done), MPI_BYTE, 0, comm);
}
