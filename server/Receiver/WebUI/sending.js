// Sending one file (draft-ietf-httpbis-resumable-upload)
//
// Scripts do not see interim responses. So an upload begins with a request without content, whose answer says where the
// upload is, and the file follows in another request. After an interruption the server says how much of it is stored.

const draft = { "Upload-Draft-Interop-Version": "8" };
const firstDelay = 1000;
const longestDelay = 30_000;
/** How often the file is sent without the server storing more of it, before the upload fails. */
const mostAttempts = 8;
/** How long to wait for an answer, and for progress while a body is sent. */
const stallTimeout = 30_000;
const temporaryStatuses = [408, 425, 429, 500, 502, 503, 504];

/** Why an attempt has ended, although another one may succeed. */
class Interruption extends Error {
    constructor(reason, delay = 0) {
        super(reason);
        /** The least time until the next attempt, in milliseconds. */
        this.delay = delay;
    }
}

/** Sends the file in as many attempts as it takes. Ends at the latest when the upload is not active any more. */
async function run(upload) {
    while (active.has(upload)) {
        try {
            const answer = await attempt(upload);
            if (answer && active.has(upload)) return conclude(upload, answer);
        } catch (error) {
            if (!(error instanceof Interruption)) throw error;
            await interrupted(upload, error);
        }
    }
}

/** Returns the final answer, or nothing if another attempt can begin at once. */
async function attempt(upload) {
    const offset = await storedBytes(upload);
    if (offset === null && active.has(upload) && !upload.isOrdinary) {
        const refusal = await create(upload);
        if (refusal) return refusal;
    }
    if (!active.has(upload)) return null;
    if (upload.isOrdinary) return send(upload, 0, "PUT", "/", fileFields(upload));
    const fields = {
        ...draft, "Upload-Offset": String(offset ?? 0), "Upload-Complete": "?1",
        "Content-Type": "application/partial-upload",
    };
    const answer = await send(upload, offset ?? 0, "PATCH", upload.location, fields);
    // The server has removed the upload, or has stored another number of bytes: ask again.
    const isOutdated = [404, 409, 410].includes(answer.status) && upload.attempts < mostAttempts;
    return isOutdated ? null : answer;
}

/** Returns how much of the file the server has, or null if it has no such upload. */
async function storedBytes(upload) {
    if (!upload.location) return null;
    const answer = await exchange("HEAD", upload.location, draft);
    if (!active.has(upload)) return null;
    if (answer.status >= 300) {
        upload.location = null;
        return null;
    }
    const offset = Number(answer.getResponseHeader("Upload-Offset"));
    if (offset > upload.stored) Object.assign(upload, { stored: offset, attempts: 0, interruptions: 0 });
    upload.sent = offset;
    remember(upload, answer);
    return offset;
}

/** Begins the upload. Returns the answer if it refuses the file. */
async function create(upload) {
    upload.stored = 0;
    const fields = { ...draft, ...fileFields(upload), "Upload-Complete": "?0", "Upload-Length": String(upload.size) };
    const answer = await exchange("PUT", "/", fields);
    const location = answer.getResponseHeader("Location");
    if (answer.status === 201 && !active.has(upload)) {
        deleteUpload(location);
    } else if (answer.status === 201) {
        upload.location = location;
        remember(upload, answer);
    } else if ([401, 403, 413].includes(answer.status)) {
        return answer;
    } else {
        // The server keeps no unfinished uploads, or not this one.
        upload.isOrdinary = true;
    }
    return null;
}

function fileFields(upload) {
    const name = encodeURIComponent(upload.file.name.toWellFormed?.() ?? upload.file.name);
    return { "X-Filename": name, ...(upload.file.type && { "Content-Type": upload.file.type }) };
}

/** Frees what the server has of an upload. If this fails, the server removes it later. */
function deleteUpload(location) {
    exchange("DELETE", location, draft).catch(() => {});
}

/** Sends the rest of the file. */
function send(upload, offset, method, url, fields) {
    upload.attempts += 1;
    upload.sent = offset;
    upload.rate = new Rate(offset);
    batch.rate ??= new Rate(transferred);
    upload.request = new XMLHttpRequest();
    return exchange(method, url, fields, upload.file.slice(offset), upload.request, bytes => {
        transferred += offset + bytes - upload.sent;
        upload.sent = offset + bytes;
    });
}

function exchange(method, url, fields, body = null, request = new XMLHttpRequest(), hasSent = () => {}) {
    let timer = null;
    return new Promise((resolve, reject) => {
        const wait = () => {
            clearTimeout(timer);
            timer = setTimeout(() => request.abort(), stallTimeout);
        };
        request.open(method, url);
        request.setRequestHeader("Accept", "application/json");
        if (token !== "") request.setRequestHeader("Authorization", `Bearer ${token}`);
        for (const [name, value] of Object.entries(fields)) request.setRequestHeader(name, value);
        request.upload.onprogress = event => {
            hasSent(event.loaded);
            wait();
        };
        // The server may need longer to store all of it.
        request.upload.onload = () => clearTimeout(timer);
        request.onerror = request.onabort = () => reject(new Interruption("connection lost"));
        request.onload = () => {
            if (!temporaryStatuses.includes(request.status)) return resolve(request);
            const seconds = Number(request.getResponseHeader("Retry-After")) || 0;
            reject(new Interruption(refusalText(request), 1000 * seconds));
        };
        wait();
        request.send(body);
    }).finally(() => clearTimeout(timer));
}

function answerContent(request) {
    try {
        return JSON.parse(request.responseText);
    } catch {
        // Not from the server itself, but from a proxy, for example. The status says enough.
        return {};
    }
}

const refusalText = request =>
    answerContent(request).error ?? `the server answered ${request.status} ${request.statusText}`.trim();

/** Waits until another attempt is due, or ends the upload if there is no use in one. */
async function interrupted(upload, interruption) {
    // Browsers do not say whether a request failed because of the file.
    const isReadable = await upload.file.slice(0, 1).arrayBuffer().then(() => true, () => false);
    if (!active.has(upload)) return;
    if (!isReadable) return end(upload, "the file cannot be read: it was changed, moved or deleted");
    if (upload.isOrdinary || upload.attempts >= mostAttempts) return end(upload, interruption.message);
    const delay = Math.min(longestDelay, firstDelay * 2 ** upload.interruptions) * (0.5 + Math.random() / 2);
    upload.interruptions += 1;
    const milliseconds = Math.max(delay, interruption.delay);
    const due = performance.now() + milliseconds;
    Object.assign(upload, { state: "interrupted", reason: interruption.message, due });
    renderSoon();
    await new Promise(resolve => {
        upload.goOn = resolve;
        setTimeout(resolve, milliseconds);
    });
    if (active.has(upload)) upload.state = "active";
}

function goOnNow() {
    for (const upload of active) upload.goOn?.();
}
