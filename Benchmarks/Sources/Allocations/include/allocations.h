#pragma once

/// The number of calls of malloc and its relatives so far, by all threads. Always 0 unless this is Linux with glibc.
unsigned long allocation_count(void);
