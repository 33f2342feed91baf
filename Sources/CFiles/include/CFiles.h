// What the C library offers only to those who ask for extensions.
#pragma once

/// Exchanges two files or folders in one step. 0, or -1 with errno: EINVAL or ENOSYS where there is no such thing.
int elbo_files_exchange(const char *path, const char *other);
