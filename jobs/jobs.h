/* The subcommands of the program, one file each. Every one takes the arguments after its name (argv[0] is the
 * name) and returns the exit code: 0, 2 for bad input, another for failures of the machine. MPI is
 * initialised by main(). */
#ifndef CALLOSUM_JOBS_H
#define CALLOSUM_JOBS_H

int cls_command_run(int argc, char **argv);
int cls_command_assimilate(int argc, char **argv); /* where built with PETSc */
int cls_command_sweep(int argc, char **argv);
int cls_command_check(int argc, char **argv);
int cls_command_partition(int argc, char **argv);
int cls_command_reference(int argc, char **argv);
int cls_command_models(int argc, char **argv);
int cls_command_info(int argc, char **argv);
int cls_command_import(int argc, char **argv);
/* `import sonata`: on one rank, prints no errors; a cls_status. */
int cls_import_sonata(int argc, char **argv);
int cls_command_report(int argc, char **argv);

#endif
