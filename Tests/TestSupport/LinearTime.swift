import Foundation

/// How many times longer the processor takes for sixteen times the input: about sixteen times if the time is linear, 256
/// times if it is quadratic. Allow up to ``linearTimeRatio``, for busy machines.
public func timeRatio(small: Int, _ work: (Int) -> Void) -> Double {
    let times = (0..<3).map { _ in (processorTime(of: { work(small) }), processorTime(of: { work(16 * small) })) }
    return (times.map(\.1).min() ?? 0) / (times.map(\.0).min() ?? 0)
}

/// The largest result of ``timeRatio(small:_:)`` that counts as linear.
public let linearTimeRatio = 80.0

/// Processor seconds of this thread, which do not depend on the machine's load.
private func processorTime(of work: () -> Void) -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    work()
    return now() - start
}
