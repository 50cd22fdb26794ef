// Uploads

/** Bytes per second: a moving average that is correct from the first sample on. */
class Rate {
    #average = 0;
    #weight = 0;
    #total;
    #time = performance.now();

    constructor(total) {
        this.#total = total;
    }

    sample(total) {
        const now = performance.now();
        const seconds = (now - this.#time) / 1000;
        if (seconds < 0.05) return;
        const kept = Math.exp(-seconds / averagedSeconds);
        this.#average = kept * this.#average + (1 - kept) * (total - this.#total) / seconds;
        this.#weight = kept * this.#weight + (1 - kept);
        this.#total = total;
        this.#time = now;
    }

    get value() {
        return this.#weight > 0 ? this.#average / this.#weight : 0;
    }
}

class Upload {
    /** One of: queued, active, stored, failed, cancelled. */
    state = "queued";
    sent = 0;
    rate = null;
    request = null;
    token = "";
    /** The cause of a failure. */
    reason = "";
    savedAs = "";
    location = null;
    row = null;

    constructor(file, path) {
        this.file = file;
        this.path = path;
        // Read once: a browser may access the disk each time.
        this.size = file.size;
    }
}

const queue = [];
const active = new Set();
const failed = new Set();
/** Stored or cancelled, newest first. */
const finished = [];
let finishedNotShown = 0;
let queuedBytes = 0;
let transferred = 0;
/** Since the page was last idle. */
let batch = { files: 0, bytes: 0, rate: null };
/** Why no upload is started: "server" if it cannot be reached, "token" if one is missing; null if uploads run. */
let held = null;
let token = storedToken();

const isIdle = () => active.size === 0 && queue.length === 0;

function add(files, continuesBatch = false) {
    if (files.length === 0) return;
    if (isIdle() && !continuesBatch) batch = { files: 0, bytes: 0, rate: null };
    for (const { file, path } of files) {
        const upload = new Upload(file, path);
        queue.push(upload);
        queuedBytes += upload.size;
    }
    news.added += files.length;
    announceSoon();
    startNext();
}

function hold(reason) {
    held = reason;
    batch.rate = null;
}

function startNext() {
    if (isIdle()) hold(null);
    const needsToken = document.documentElement.dataset.authorization === "required" && token === "";
    if (needsToken && queue.length > 0) askForToken("Enter the token: the files are sent after that.");
    while (held === null && active.size < parallelUploads && queue.length > 0) start(queue.shift());
    renderSoon();
}

function start(upload) {
    const request = new XMLHttpRequest();
    queuedBytes -= upload.size;
    active.add(upload);
    Object.assign(upload, { state: "active", sent: 0, rate: new Rate(0), request, token });
    batch.rate ??= new Rate(transferred);

    const hasSent = bytes => {
        transferred += bytes - upload.sent;
        upload.sent = bytes;
    };
    request.open("PUT", "/");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-Filename", encodeURIComponent(upload.file.name.toWellFormed?.() ?? upload.file.name));
    if (token !== "") request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = event => hasSent(event.loaded);
    request.onload = () => {
        if (request.status === 201) hasSent(upload.size);
        conclude(upload, request);
    };
    request.onerror = () => explainError(upload);
    request.send(upload.file);
}

function conclude(upload, request) {
    let answer = {};
    try {
        answer = JSON.parse(request.responseText);
    } catch {
        // Not from the server itself, but from a proxy, for example. The status says enough.
    }
    active.delete(upload);
    if (request.status === 201) {
        upload.savedAs = answer.parts?.[0]?.saved_as ?? upload.file.name;
        // Null if the server stores nothing (--discard).
        upload.location = request.getResponseHeader("Location");
        batch.files += 1;
        batch.bytes += upload.size;
        finish(upload, "stored");
        refreshList();
    } else if (request.status === 401) {
        enqueueFirst(upload);
        // It may have been sent before the token was corrected.
        if (upload.token === token) askForToken(answer.error ?? "The server does not accept this token.");
    } else {
        fail(upload, answer.error ?? `the server answered ${request.status} ${request.statusText}`.trim());
    }
    startNext();
}

/** Browsers do not say why a request failed: because of the file, the server, or only this connection? */
async function explainError(upload) {
    const isReadable = await upload.file.slice(0, 1).arrayBuffer().then(() => true, () => false);
    const isReachable = isReadable && await fetch("/files", { method: "HEAD" }).then(() => true, () => false);
    // Cancelled meanwhile?
    if (!active.delete(upload)) return;
    if (!isReadable) {
        fail(upload, "the file cannot be read: it was changed, moved or deleted");
    } else if (isReachable) {
        fail(upload, "the connection was lost");
    } else {
        enqueueFirst(upload);
        hold("server");
    }
    startNext();
}

function fail(upload, reason) {
    Object.assign(upload, { state: "failed", reason });
    failed.add(upload);
    news.failed.push(`${upload.path} failed: ${reason}`);
    announceSoon();
}

function finish(upload, state) {
    upload.state = state;
    news[state].push(`${upload.path} ${state}`);
    finished.unshift(upload);
    if (finished.length > shownFinished) {
        finished.pop();
        finishedNotShown += 1;
    }
    announceSoon();
}

function enqueueFirst(upload) {
    Object.assign(upload, { state: "queued", sent: 0 });
    queue.unshift(upload);
    queuedBytes += upload.size;
}

// A button exists until the next rendering: when it is pressed, the upload may be in another state.

function retry(upload) {
    if (upload.state !== "failed" && upload.state !== "cancelled") return;
    if (!failed.delete(upload)) finished.splice(finished.indexOf(upload), 1);
    enqueueFirst(upload);
    startNext();
}

function cancel(upload) {
    if (active.delete(upload)) {
        upload.request.abort();
    } else if (upload.state === "queued") {
        queue.splice(queue.indexOf(upload), 1);
        queuedBytes -= upload.size;
    } else {
        return;
    }
    finish(upload, "cancelled");
    startNext();
}

function cancelAll() {
    const all = [...active, ...queue.splice(0)];
    queuedBytes = 0;
    // The list shows the newest first, and the last upload is the newest: reversing keeps the order.
    for (const upload of all.reverse()) {
        if (active.delete(upload)) upload.request.abort();
        finish(upload, "cancelled");
    }
    startNext();
}
