internal import CCurl

// Symptom: responses are lost and connections fail when request bodies are sent over HTTP/2: see "HTTP/2" in
// docs/ARCHITECTURE.md.
// Versions: the tests fail with 7.88 and pass with 8.12 and later. The versions in between were not tested.
// Workaround: HTTP/1.1 is used unless the configuration demands HTTP/2.

extension MultiHandle {
    /// Whether libcurl sends bodies over HTTP/2 as reliably as over HTTP/1.1. False if it was built without HTTP/2.
    static let sendsHTTP2 = ccurl_version_number() >= 0x080C00 && ccurl_has_http2() != 0
}
