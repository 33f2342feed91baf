// What the C library offers only to those who ask for extensions.
#pragma once

/// Exchanges two files or folders in one step. 0, or -1 with errno: EINVAL or ENOSYS where there is no such thing.
int elbo_files_exchange(const char *path, const char *other);

/// From now on a signal that a fault sends (SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP) writes the line, of 512
/// bytes at most, to standard error and ends the process with exit status 1.
void elbo_files_explain_faults(const char *line);
