// Shows ThreadSanitizer the contended locks of Swift's Mutex on Linux.
//
// The uncontended ones it sees by itself: Mutex.withLock is compiled into its caller, atomics and all. Where these
// find the lock taken, however, functions of libswiftSynchronization lock and unlock it, by futex(2), and that
// library is not instrumented: one thread's unlocking happens before another's locking, but nothing says so, and
// what both do inside is reported as a race. These here, found before the library's, say so, and call those.
// https://github.com/swiftlang/swift/blob/main/stdlib/public/Synchronization/Mutex/LinuxImpl.swift

#if defined(__linux__) && defined(__has_feature)
#if __has_feature(thread_sanitizer)

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

// https://github.com/llvm/llvm-project/blob/main/compiler-rt/include/sanitizer/tsan_interface.h
void __tsan_acquire(void *address);
void __tsan_release(void *address);

// `self` is a _MutexHandle, which begins with the word that the inlined atomics work on.
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
typedef SWIFT void lock_function(uint32_t self_id, SELF void *self);
typedef SWIFT bool try_function(SELF void *self);
typedef SWIFT void unlock_function(SELF void *self);

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

lock_function lock_slow __asm__(LOCK);
try_function try_lock_slow __asm__(TRY);
unlock_function unlock_slow __asm__(UNLOCK);

static void *next(void *_Atomic *cache, const char *name) {
    void *function = *cache;
    if (!function) *cache = function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

SWIFT void lock_slow(uint32_t self_id, SELF void *self) {
    static void *_Atomic cache;
    ((lock_function *)next(&cache, LOCK))(self_id, self);
    __tsan_acquire(self);
}

SWIFT bool try_lock_slow(SELF void *self) {
    static void *_Atomic cache;
    bool is_locked = ((try_function *)next(&cache, TRY))(self);
    if (is_locked) __tsan_acquire(self);
    return is_locked;
}

SWIFT void unlock_slow(SELF void *self) {
    static void *_Atomic cache;
    __tsan_release(self);
    ((unlock_function *)next(&cache, UNLOCK))(self);
}

#endif
#endif
