internal import CSystemCalls

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// Waits until one of many descriptors is ready, or another thread says so: in a time that does not
/// grow with the number of those that are not, by epoll(7), where there is one. One thread's, but for
/// ``WakeUp``.
final class Poller {
    /// What a descriptor is waited for, or is ready for.
    struct Interest: OptionSet, Hashable {
        let rawValue: UInt8

        static let read = Interest(rawValue: 1)
        static let write = Interest(rawValue: 2)
        /// Its end, or an error: never asked for, always told.
        static let failure = Interest(rawValue: 4)
    }

    struct Event {
        let descriptor: Int32
        let ready: Interest
    }

    /// Has ``wait(milliseconds:)`` return, now or at its next call; by any thread.
    struct WakeUp: Sendable {
        fileprivate let descriptor: Int32

        func callAsFunction() {
            // An eventfd takes eight bytes, a pipe any number. When it is full, it has been heard.
            var one: UInt64 = 1
            _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
        }
    }

    let wakeUp: WakeUp
    /// Where wake-ups come out.
    private let wakeUps: Int32

    #if os(Linux)
    private let epoll: Int32
    private var found = [epoll_event](repeating: epoll_event(), count: 64)

    init() throws(SystemError) {
        let descriptor = try SystemError.check { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        epoll = descriptor
        wakeUps = try SystemError.check { eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)) }
        wakeUp = WakeUp(descriptor: wakeUps)
        set(.read, for: wakeUps)
    }

    /// Waits for a descriptor from now on, or, with no interest, no more.
    ///
    /// A descriptor that was closed is forgotten by the system; what has its number then is another
    /// one, so that nothing is taken for known here.
    func set(_ interest: Interest, for descriptor: Int32) {
        var event = epoll_event()
        event.data.fd = descriptor
        if interest.contains(.read) { event.events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
        if interest.contains(.write) { event.events |= EPOLLOUT.rawValue }
        if interest.isEmpty {
            _ = epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event)
        } else if epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event) != 0 {
            _ = epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
        }
    }

    /// Waits, for so long at most, and adds what is ready to `events`.
    ///
    /// - Returns: whether it was woken by anything but the time.
    @discardableResult
    func wait(milliseconds: Int32, adding events: inout [Event]) -> Bool {
        let count = epoll_wait(epoll, &found, Int32(found.count), milliseconds)
        guard count > 0 else { return false }
        for event in found[..<Int(count)] {
            guard event.data.fd != wakeUps else {
                forgetWakeUps()
                continue
            }
            var ready: Interest = []
            if event.events & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0 { ready.insert(.read) }
            if event.events & EPOLLOUT.rawValue != 0 { ready.insert(.write) }
            if event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { ready.insert(.failure) }
            events.append(Event(descriptor: event.data.fd, ready: ready))
        }
        return true
    }
    #else
    private var interests: [Int32: Interest] = [:]

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try SystemError.check { pipe(&ends) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        wakeUps = ends[0]
        wakeUp = WakeUp(descriptor: ends[1])
        set(.read, for: wakeUps)
    }

    /// Waits for a descriptor from now on, or, with no interest, no more.
    func set(_ interest: Interest, for descriptor: Int32) {
        interests[descriptor] = interest.isEmpty ? nil : interest
    }

    /// Waits, for so long at most, and adds what is ready to `events`.
    ///
    /// - Returns: whether it was woken by anything but the time.
    @discardableResult
    func wait(milliseconds: Int32, adding events: inout [Event]) -> Bool {
        var entries = interests.map { descriptor, interest in
            pollfd(
                fd: descriptor,
                events: Int16(interest.contains(.read) ? POLLIN : 0) | Int16(interest.contains(.write) ? POLLOUT : 0),
                revents: 0)
        }
        guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return false }
        for entry in entries where entry.revents != 0 {
            guard entry.fd != wakeUps else {
                forgetWakeUps()
                continue
            }
            var ready: Interest = []
            if entry.revents & Int16(POLLIN) != 0 { ready.insert(.read) }
            if entry.revents & Int16(POLLOUT) != 0 { ready.insert(.write) }
            if entry.revents & Int16(POLLHUP | POLLERR) != 0 { ready.insert(.failure) }
            // Closed behind our back: it would be told for ever.
            if entry.revents & Int16(POLLNVAL) != 0 { interests[entry.fd] = nil }
            events.append(Event(descriptor: entry.fd, ready: ready))
        }
        return true
    }
    #endif

    deinit {
        #if os(Linux)
        close(epoll)
        #else
        close(wakeUp.descriptor)
        #endif
        close(wakeUps)
    }

    private func forgetWakeUps() {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { buffer in
            _ = read(wakeUps, buffer.baseAddress, buffer.count)
        }
    }
}
