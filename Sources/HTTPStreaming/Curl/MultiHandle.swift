internal import CCurl
internal import Platform

/// A libcurl multi handle, and the waiting for what its transfers need, and for descriptors of ours.
/// Whoever has its agent's loop has it.
///
/// libcurl says which sockets it waits for, and until when (the socket interface); its other
/// interface, curl_multi_perform and curl_multi_poll, looks at each transfer each time.
/// <https://curl.se/libcurl/c/libcurl-multi.html>
final class MultiHandle {
    private let raw: UnsafeMutableRawPointer
    private let poller: Poller
    /// What libcurl waits for, and what we do.
    private var libcurls: [Int32: Poller.Interest] = [:]
    private var ours: Set<Int32> = []
    /// Opened in the turns of others since the thread that waits had one: what that is told of such a number may be
    /// about the socket that had it before.
    private var recentlyOpened: Set<Int32> = []
    /// When libcurl is to have its turn, whatever its sockets do.
    private(set) var timer: Instant?

    init(_ poller: Poller) throws(ClientError) {
        self.poller = poller
        guard Self.isInitialized, let raw = curl_multi_init() else {
            throw ClientError(CurlError(CURLE_FAILED_INIT))
        }
        self.raw = raw
        setSocketCallbacks()
    }

    /// Without easy handles in it. https://curl.se/libcurl/c/curl_multi_cleanup.html
    deinit { curl_multi_cleanup(raw) }

    /// Once in a process, before anything else.
    /// https://curl.se/libcurl/c/curl_global_init.html
    private static let isInitialized = curl_global_init(ccurl_global_default) == CURLE_OK

    /// Whether a transfer ends with its response although sending is paused: from 8.9.0 on, by
    /// libcurl's changelog, whichever version is loaded. https://curl.se/changes.html
    static let endsPausedTransfers = ccurl_version_number() >= 0x080900

    /// Whether bodies can be sent over HTTP/2 as they can over HTTP/1.1: with 8.12 and later all of the
    /// tests pass, with 7.88 they do not; none in between was there to be tested. Not where it was
    /// built without HTTP/2.
    static let sendsHTTP2 = ccurl_version_number() >= 0x080C00 && ccurl_has_http2() != 0

    func add(_ easy: EasyHandle) throws(CurlError) {
        guard curl_multi_add_handle(raw, easy.raw) == CURLM_OK else { throw CurlError(CURLE_FAILED_INIT) }
    }

    /// Ends the transfer; if it was not complete, its connection is closed.
    /// https://curl.se/libcurl/c/curl_multi_remove_handle.html
    func remove(_ easy: EasyHandle) {
        curl_multi_remove_handle(raw, easy.raw)
    }

    /// Gives libcurl its turn if its time has come; calls callbacks.
    func perform() {
        guard let timer, timer <= .now else { return }
        // It sets it anew, if there is another.
        self.timer = nil
        act(ccurl_socket_timeout, 0)
    }

    /// The next transfer that has ended, by its easy handle.
    func nextDone() -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
        var left: Int32 = 0
        while let message = curl_multi_info_read(raw, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            return (easy, message.pointee.data.result)
        }
        return nil
    }

    /// Says whether a descriptor is waited for until it can be read; apart from what libcurl does with
    /// it, if it is a socket of its.
    func watch(_ descriptor: Int32, _ isWatched: Bool) {
        if isWatched { ours.insert(descriptor) } else { ours.remove(descriptor) }
        update(descriptor)
    }

    func opened(_ socket: Int32) { recentlyOpened.insert(socket) }

    /// The thread that waits has been at work itself: what it is told from now on is about them.
    func trustOpened() { recentlyOpened.removeAll() }

    /// A socket that is left registered would stay so as long as a child of this process has it, too.
    func closing(_ socket: Int32) { poller.set([], for: socket) }

    /// Gives libcurl its turn where what has happened is its business; calls callbacks.
    ///
    /// - Returns: the descriptors among those watched that can be read, or have failed.
    func act(on events: [Poller.Event]) -> [Int32] {
        let doubtful = recentlyOpened
        recentlyOpened = []
        for event in events {
            // What is true of the new one is told again.
            if doubtful.contains(event.descriptor) { continue }
            guard libcurls[event.descriptor] != nil else {
                if !ours.contains(event.descriptor) { poller.set([], for: event.descriptor) }
                continue
            }
            var mask: Int32 = 0
            if event.ready.contains(.read) { mask |= CURL_CSELECT_IN }
            if event.ready.contains(.write) { mask |= CURL_CSELECT_OUT }
            if event.ready.contains(.failure) { mask |= CURL_CSELECT_ERR }
            act(event.descriptor, mask)
        }
        return events.filter { ours.contains($0.descriptor) && $0.ready != .write }.map(\.descriptor)
    }

    /// https://curl.se/libcurl/c/curl_multi_socket_action.html
    private func act(_ socket: curl_socket_t, _ mask: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(raw, socket, mask, &running)
    }

    private func update(_ descriptor: Int32) {
        var interest = libcurls[descriptor] ?? []
        if ours.contains(descriptor) { interest.insert(.read) }
        poller.set(interest, for: descriptor)
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
        case CURL_POLL_IN: libcurls[socket] = .read
        case CURL_POLL_OUT: libcurls[socket] = .write
        case CURL_POLL_INOUT: libcurls[socket] = [.read, .write]
        default:
            libcurls[socket] = nil
            // The poller is left as it is: a connection that is kept is soon wanted again. What becomes ready until
            // then is taken out at that, what is closed before.
            guard ours.contains(socket) else { return }
        }
        update(socket)
    }

    /// https://curl.se/libcurl/c/CURLMOPT_TIMERFUNCTION.html
    private func timerChanged(_ milliseconds: Int) {
        timer = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
    }
}
