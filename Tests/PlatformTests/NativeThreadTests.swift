import Foundation
import Testing

@testable import Platform

@Suite("NativeThread", .timeLimit(.minutes(3)))
struct NativeThreadTests {
    private func isBlocked(_ signal: Int32) -> Bool {
        var blocked = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &blocked)
        return sigismember(&blocked, signal) == 1
    }

    /// On a thread of the test's own, whose signals are then as they were given.
    private func onThread(blocking signals: [Int32], _ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var set = sigset_t()
                sigemptyset(&set)
                for signal in signals { sigaddset(&set, signal) }
                pthread_sigmask(SIG_SETMASK, &set, nil)
                body()
                continuation.resume()
            }
        }
    }

    /// In a process of its own: without `withSignalsBlocked` this would be its end.
    @Test("a SIGPIPE caused by the work is removed, and the signal mask is restored") func brokenPipe() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_DFL)
            let tests = NativeThreadTests()
            await tests.onThread(blocking: [SIGUSR1]) {
                var ends: [Int32] = [-1, -1]
                #expect(pipe(&ends) == 0)
                close(ends[0])
                let result = NativeThread.withSignalsBlocked {
                    #expect(tests.isBlocked(SIGPIPE) && tests.isBlocked(SIGTERM) && tests.isBlocked(SIGUSR1))
                    #expect(write(ends[1], "x", 1) == -1 && errno == EPIPE)
                    return 7
                }
                close(ends[1])
                #expect(result == 7)
                #expect(!tests.isBlocked(SIGPIPE) && !tests.isBlocked(SIGTERM) && tests.isBlocked(SIGUSR1))
            }
        }
    }

    @Test("a SIGPIPE that was pending before stays pending") func pendingBefore() async {
        await onThread(blocking: [SIGPIPE]) {
            pthread_kill(pthread_self(), SIGPIPE)
            NativeThread.withSignalsBlocked {}
            var pending = sigset_t()
            sigpending(&pending)
            #expect(sigismember(&pending, SIGPIPE) == 1)
            // So that it does not end the process.
            var (signal, set): (Int32, sigset_t) = (0, sigset_t())
            sigemptyset(&set)
            sigaddset(&set, SIGPIPE)
            #expect(sigwait(&set, &signal) == 0 && signal == SIGPIPE)
        }
    }
}
