import Dispatch
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Ctrl-C and SIGTERM: the first one stops the upload, the second ends the process at once.
final class Interruption {
    private final class Count: Sendable {
        let signals = Atomic(0)
    }

    private let count = Count()
    private let sources: [any DispatchSourceSignal]

    /// - Parameter first: called for the first signal, on another thread. It may block.
    init(_ first: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "interruption")
        sources = [SIGINT, SIGTERM].map { [count] number in
            // The default action would come first.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if count.signals.add(1, ordering: .sequentiallyConsistent).oldValue > 0 {
                    _exit(ExitStatus.interrupted.rawValue)
                }
                DispatchQueue.global().async(execute: first)
            }
            source.resume()
            return source
        }
    }

    /// Whether there has been a signal.
    var hasHappened: Bool { count.signals.load(ordering: .sequentiallyConsistent) > 0 }
}
