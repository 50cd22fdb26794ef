internal import CCurl
internal import Platform

/// A libcurl multi handle, whose sockets it registers with a poller, together with other descriptors that are watched.
/// Used by one thread at a time.
///
/// It uses libcurl's socket interface, where libcurl says which sockets it waits for, and until when. The other
/// interface, `curl_multi_perform` and `curl_multi_poll`, checks every transfer at every call.
/// <https://curl.se/libcurl/c/libcurl-multi.html>
final class MultiHandle {
    private let raw: UnsafeMutableRawPointer
    private let poller: Poller
    /// What libcurl waits for.
    private var curlInterests: [Int32: Poller.Interest] = [:]
    /// The descriptors that are watched by ``watch(_:_:)``.
    private var watched: Set<Int32> = []
    /// The descriptors whose interests have changed in this turn.
    private var changed: Set<Int32> = []
    /// The sockets that other threads have opened while the polling thread was waiting: events that it brings for their
    /// descriptors may be about sockets that were closed before.
    private var recentlyOpened: Set<Int32> = []
    /// When libcurl must be called even if none of its sockets is ready.
    private(set) var timer: Instant?

    init(_ poller: Poller) throws(CurlError) {
        self.poller = poller
        guard Self.isInitialized, let raw = curl_multi_init() else { throw CurlError(CURLE_FAILED_INIT) }
        self.raw = raw
        // Each client has a connection cache of its own (``ShareHandle``), and keeps one connection: by default libcurl
        // would keep one for each origin. https://curl.se/libcurl/c/CURLMOPT_MAXCONNECTS.html
        ccurl_multi_set_long(raw, CURLMOPT_MAXCONNECTS, 1)
        setSocketCallbacks()
    }

    /// All easy handles must have been removed. https://curl.se/libcurl/c/curl_multi_cleanup.html
    deinit { curl_multi_cleanup(raw) }

    /// libcurl must be initialized once in a process, before any other call.
    /// https://curl.se/libcurl/c/curl_global_init.html
    private static let isInitialized = curl_global_init(ccurl_global_default) == CURLE_OK

    func add(_ easy: EasyHandle) throws(CurlError) {
        guard curl_multi_add_handle(raw, easy.raw) == CURLM_OK else { throw CurlError(CURLE_FAILED_INIT) }
    }

    /// Ends a transfer. If it is incomplete, libcurl closes its connection.
    /// https://curl.se/libcurl/c/curl_multi_remove_handle.html
    func remove(_ easy: EasyHandle) {
        curl_multi_remove_handle(raw, easy.raw)
    }

    /// Calls libcurl if its timer has expired. Calls callbacks.
    func perform() {
        guard let timer, timer <= .now else { return }
        // libcurl sets it again if it needs another one.
        self.timer = nil
        act(ccurl_socket_timeout, 0)
    }

    /// The easy handle and the result of the next transfer that has ended.
    func nextDone() -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
        var left: Int32 = 0
        while let message = curl_multi_info_read(raw, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            return (easy, message.pointee.data.result)
        }
        return nil
    }

    /// Begins or stops to wait until a descriptor is readable. It may be one of libcurl's sockets, whose own events are
    /// not affected.
    func watch(_ descriptor: Int32, _ isWatched: Bool) {
        if isWatched { watched.insert(descriptor) } else { watched.remove(descriptor) }
        changed.insert(descriptor)
        // It may be closed before the turn ends, and then could no longer be taken out of the poller.
        if interest(in: descriptor).isEmpty { poller.set([], for: descriptor) }
    }

    func opened(_ socket: Int32) { recentlyOpened.insert(socket) }

    /// To be called by the polling thread before it waits: the events that it brings then are about the open sockets.
    func clearRecentlyOpened() { recentlyOpened.removeAll() }

    /// Takes a socket out of the poller. Otherwise it stays registered while a child process has it open.
    func closing(_ socket: Int32) {
        changed.remove(socket)
        poller.set([], for: socket)
    }

    /// Passes events of libcurl's sockets to libcurl. Calls callbacks.
    ///
    /// - Returns: the watched descriptors that are readable or have failed.
    func act(on events: [Poller.Event]) -> [Int32] {
        let skipped = recentlyOpened
        recentlyOpened = []
        for event in events {
            // If the event is about the new socket, the poller reports it again.
            if skipped.contains(event.descriptor) { continue }
            guard curlInterests[event.descriptor] != nil else {
                if !watched.contains(event.descriptor) { poller.set([], for: event.descriptor) }
                continue
            }
            var mask: Int32 = 0
            if event.ready.contains(.read) { mask |= CURL_CSELECT_IN }
            if event.ready.contains(.write) { mask |= CURL_CSELECT_OUT }
            if event.ready.contains(.failure) { mask |= CURL_CSELECT_ERR }
            act(event.descriptor, mask)
        }
        return events.filter { watched.contains($0.descriptor) && $0.ready != .write }.map(\.descriptor)
    }

    /// https://curl.se/libcurl/c/curl_multi_socket_action.html
    private func act(_ socket: curl_socket_t, _ mask: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(raw, socket, mask, &running)
    }

    /// Calls libcurl for the sockets that it has begun to write to in this turn, and that can take bytes. Calls callbacks.
    func actOnWritable() {
        for socket in changed where curlInterests[socket]?.contains(.write) == true && isWritable(socket) {
            act(socket, CURL_CSELECT_OUT)
        }
    }

    private func isWritable(_ socket: Int32) -> Bool {
        var entry = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, 0) > 0 && entry.revents == Int16(POLLOUT)
    }

    /// Passes the interests that have changed in this turn to the poller. To be called at the end of the turn: an
    /// interest that ends within it would wake the thread that waits.
    func updatePoller() {
        for descriptor in changed {
            let interest = interest(in: descriptor)
            // Otherwise the socket stays in the poller, because libcurl soon needs a kept connection again. It is taken out
            // when an event arrives that nobody waits for, or when it is closed.
            if !interest.isEmpty { poller.set(interest, for: descriptor) }
        }
        changed.removeAll(keepingCapacity: true)
    }

    private func interest(in descriptor: Int32) -> Poller.Interest {
        var interest = curlInterests[descriptor] ?? []
        if watched.contains(descriptor) { interest.insert(.read) }
        return interest
    }

    // MARK: Callbacks

    private func setSocketCallbacks() {
        let context = opaque(self)
        ccurl_multi_set_pointer(raw, CURLMOPT_SOCKETDATA, context)
        ccurl_multi_set_pointer(raw, CURLMOPT_TIMERDATA, context)
        ccurl_multi_set_socket_callback(raw) { _, socket, what, context, _ in
            object(context, as: MultiHandle.self)?.socketChanged(socket, what)
            return 0
        }
        ccurl_multi_set_timer_callback(raw) { _, milliseconds, context in
            object(context, as: MultiHandle.self)?.timerChanged(milliseconds)
            return 0
        }
    }

    /// https://curl.se/libcurl/c/CURLMOPT_SOCKETFUNCTION.html
    private func socketChanged(_ socket: curl_socket_t, _ what: Int32) {
        switch what {
        case CURL_POLL_IN: curlInterests[socket] = .read
        case CURL_POLL_OUT: curlInterests[socket] = .write
        case CURL_POLL_INOUT: curlInterests[socket] = [.read, .write]
        default: curlInterests[socket] = nil
        }
        changed.insert(socket)
    }

    /// https://curl.se/libcurl/c/CURLMOPT_TIMERFUNCTION.html
    private func timerChanged(_ milliseconds: Int) {
        timer = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
    }
}
