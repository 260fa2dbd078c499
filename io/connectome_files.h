/* Shared by the readers and writers of connectomes; private to io. */
#ifndef CALLOSUM_CONNECTOME_FILES_H
#define CALLOSUM_CONNECTOME_FILES_H

#include "io/io.h"

/* Root attributes of our HDF5 layout, whose description stands in connectome_hdf5.c. */
#define CLS_CONNECTOME_FORMAT "callosum-connectome"
enum { CLS_CONNECTOME_VERSION = 1 };

/* The readers behind cls_connectome_read, one per layout. The result is not checked yet. Messages begin with
 * the file. */
cls_status cls_connectome_read_tvb(const char *path, cls_connectome **connectome);
cls_status cls_connectome_read_hdf5(const char *path, cls_connectome **connectome);
/* A matrix of weights, and one of lengths where options->lengths is given, as rows = targets. `table`: of
 * regions, NULL: none; it decides about unassigned rows, and names the regions of a list of entries.
 * *upper_only: the file is one of which only the upper triangle is filled. Names are made up where the file
 * has none. */
cls_status cls_connectome_read_matrices(const char *path, const cls_connectome_options *options,
                                        const cls_connectome *table, cls_notes *notes, bool *upper_only,
                                        cls_connectome **connectome);

/* Measures and notes how far the two directions differ, and does what the options say about them.
 * is_matrix: one triangle only is refused where nothing is stated, but for `upper_only`. */
cls_status cls_connectome_directions(cls_connectome *connectome, const cls_connectome_options *options,
                                     bool is_matrix, bool upper_only, cls_notes *notes);

/* A table of regions (connectome_regions.c), as a connectome without tracts; its names are NULL where the
 * table has none. */
cls_status cls_regions_read(const char *path, cls_notes *notes, cls_connectome **table);
/* Copies what the table knows to a connectome: by name where both have names of their own, else row by row,
 * and then the names too. */
cls_status cls_regions_apply(const char *path, const cls_connectome *table, cls_notes *notes,
                             cls_connectome *connectome);

/* Part of a path after its last slash. */
const char *cls_path_base(const char *path);

/* A text member of a zip, read line by line in bounded memory: stored, deflated, or a .bz2 inside. */
typedef struct cls_zip_text_ cls_zip_text;
struct zip;
/* `path` and `name` (the member's) are used in messages and must outlive the reader. */
cls_status cls_zip_text_open(struct zip *archive, const char *path, uint64_t index, const char *name,
                             cls_zip_text **text);
void cls_zip_text_close(cls_zip_text *text);
/* The next line that is neither blank nor begins with '#', without its end; NULL at the end of the member,
 * which has then been read to its checksum. Owned by the reader, writable, valid until the next call. */
cls_status cls_zip_text_line(cls_zip_text *text, char **line);
/* Number of the line last returned, from 1. */
uint64_t cls_zip_text_number(const cls_zip_text *text);

#endif
