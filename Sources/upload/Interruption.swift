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
    private let watch: SignalWatch

    /// - Parameter first: called for the first signal, on another thread. It may block.
    init(_ first: @escaping @Sendable () -> Void) {
        watch = SignalWatch([SIGINT, SIGTERM]) { [count] in
            if count.signals.add(1, ordering: .sequentiallyConsistent).oldValue > 0 {
                _exit(ExitStatus.interrupted.rawValue)
            }
            DispatchQueue.global().async(execute: first)
        }
    }

    /// Whether there has been a signal.
    var hasHappened: Bool { count.signals.load(ordering: .sequentiallyConsistent) > 0 }
}

/// While it exists, signals call a closure instead of ending the process.
final class SignalWatch {
    private let sources: [any DispatchSourceSignal]
    private let numbers: [Int32]

    /// - Parameter handler: called on another thread, one call at a time. It should not block.
    init(_ numbers: [Int32], _ handler: @escaping @Sendable () -> Void) {
        self.numbers = numbers
        let queue = DispatchQueue(label: "signals")
        sources = numbers.map { number in
            // The default action would come first.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler(handler: handler)
            let isRegistered = DispatchSemaphore(value: 0)
            source.setRegistrationHandler { isRegistered.signal() }
            source.resume()
            // Otherwise a signal that comes before is lost.
            isRegistered.wait()
            return source
        }
    }

    deinit {
        for source in sources { source.cancel() }
        for number in numbers { signal(number, SIG_DFL) }
    }
}
