/* What the fuzz targets share. A target gets bytes, makes files of them in a folder of its own, and reads these as a user's.
 * Whatever they hold, a reader must come to an end, keep to its memory, and either succeed or refuse with a message. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/base.h"

/* A world of one rank that logs nothing. */
extern cls_world fuzz_world;

typedef struct {
  const char *name;    /* of the target and of its folder in the corpus */
  void (*start)(void); /* once, before the first input; may be NULL */
  void (*run)(const uint8_t *data, size_t size);
} fuzz_target;

extern const fuzz_target fuzz_job, fuzz_connectome, fuzz_regions, fuzz_tables, fuzz_hdf5, fuzz_sonata,
    fuzz_checkpoint;

/* Ends the process, as a finding, where `condition` does not hold. */
void fuzz_require(bool condition, const char *what);
/* A refusal must be the input's fault, or say that memory is short, in one line that is not empty. True: it succeeded. */
bool fuzz_settled(cls_status status);

/* The path of file `name` in the target's folder; valid until the fourth next call. */
const char *fuzz_path(const char *name);
/* Makes that file of some bytes. */
const char *fuzz_write(const char *name, const void *data, size_t size);
const char *fuzz_write_text(const char *name, const char *text);

typedef struct {
  const char *text; /* not ended by a zero byte */
  size_t size;
} fuzz_part;
/* Several files in one input: they are parted by lines "====". Parts beyond `most` are left out, missing ones are empty. */
void fuzz_split(const uint8_t *data, size_t size, fuzz_part *parts, int most);
/* A copy of a part as a string, to be freed. */
char *fuzz_string(const fuzz_part *part);

/* Makes an HDF5 file of a description, so that it is our code that meets odd files, and HDF5 only well-formed ones. A line
 * for each object or attribute, what is wrong is passed over:
 *   /a/b f8 2,3 1 2 3 4 5 6     dataset: type (i1 i2 i4 i8 u1 ... f4 f8; s: text of variable, sN: of fixed length; c: complex;
 *                               e: enumeration), extents (-: a scalar), values (others are 0)
 *   /a group                    empty group; those on the way to a dataset are made, too
 *   /a link /b                  another name
 *   @/a/b units s - ms          attribute of what is at /a/b
 *   !matlab                     the file has the user block of a MATLAB file
 * Other lines that begin with '!' are left to the caller. */
const char *fuzz_make_hdf5(const char *name, const char *description, size_t size);
/* Line after line: copies the next one (without its end; cut at `room` - 1 bytes) and returns what follows, NULL after the
 * last. */
const char *fuzz_line(const char *at, const char *end, char *line, size_t room);

#endif
