// An SMS centre for tests, on the npm package smpp. It says what arrives as lines of JSON on
// standard output, and takes orders as lines of JSON on standard input.
//   node centre.js PORT SYSTEM_ID PASSWORD [CERTIFICATE KEY]
"use strict";
const fs = require("fs");
const readline = require("readline");
const smpp = require("smpp");

const [port, systemId, password, certificate, key] = process.argv.slice(2);
const RECEIPT = { delivered: ["DELIVRD", 2], failed: ["UNDELIV", 5], expired: ["EXPIRED", 3], accepted: ["ACCEPTD", 6] };
// status, statuses (one for each message), answers, delay, bind, receipt, receiptDelay, receiptTwice,
// tlv, hexId, silent, drop
let orders = {};
let count = 0;
const sessions = new Set();

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const later = (ms, work) => (ms ? setTimeout(work, ms) : work());

function accept(session) {
    sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => { sessions.delete(session); say({ event: "closed" }); });
    session.on("bind_transceiver", (pdu) => bind(session, pdu));
    session.on("submit_sm", (pdu) => submit(session, pdu));
    session.on("deliver_sm_resp", (pdu) => say({ event: "receipt-answered", status: pdu.command_status }));
    session.on("enquire_link", (pdu) => {
        say({ event: "enquire" });
        if (!orders.silent) session.send(pdu.response());
    });
    session.on("unbind", (pdu) => { say({ event: "unbind" }); session.send(pdu.response()); session.close(); });
}

function bind(session, pdu) {
    const right = pdu.system_id === systemId && pdu.password === password;
    const status = orders.bind || (right ? 0 : smpp.ESME_RINVPASWD);
    say({ event: "bind", system_id: pdu.system_id, system_type: pdu.system_type, status });
    if (orders.silent) return;
    session.send(pdu.response({ command_status: status, system_id: "test centre" }));
    session.bound = !status;
}

function submit(session, pdu) {
    const id = orders.hexId ? (0xabc00 + ++count).toString(16).toUpperCase() : String(++count);
    const body = pdu.message_payload && pdu.message_payload.message ? pdu.message_payload : pdu.short_message;
    say({
        event: "submit", id, bound: Boolean(session.bound),
        from: pdu.source_addr, from_ton: pdu.source_addr_ton, from_npi: pdu.source_addr_npi,
        to: pdu.destination_addr, to_ton: pdu.dest_addr_ton, to_npi: pdu.dest_addr_npi,
        coding: pdu.data_coding, esm_class: pdu.esm_class, registered: pdu.registered_delivery,
        validity: pdu.validity_period, payload: body === pdu.message_payload,
        udh: body.udh ? body.udh.map((part) => part.toString("hex")) : null, text: body.message,
    });
    if (orders.drop) return session.destroy();
    if (orders.silent) return;
    const status = (orders.statuses && orders.statuses.shift()) || orders.status || 0;
    later(orders.delay, () => {
        for (let n = 0; n < (orders.answers || 1); n++)
            session.send(pdu.response({ command_status: status, message_id: id }));
        if (!status && pdu.registered_delivery && orders.receipt) receipt(session, pdu, id, orders.receipt);
    });
}

function receipt(session, pdu, id, state) {
    const [word, number] = RECEIPT[state];
    const told = orders.hexId ? String(parseInt(id, 16)) : id;
    const text = `id:${told} sub:001 dlvrd:001 submit date:2611220000 done date:2611220001 stat:${word} err:000 text:`;
    const sent = {
        source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
        esm_class: 4, short_message: text,
    };
    if (orders.tlv) Object.assign(sent, { receipted_message_id: id, message_state: number, short_message: "" });
    later(orders.receiptDelay, () => {
        for (let n = 0; n < (orders.receiptTwice ? 2 : 1); n++) session.deliver_sm(sent);
    });
}

const options = certificate ? { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) } : {};
const server = smpp.createServer(options, accept);
server.listen(Number(port), "127.0.0.1", () => say({ event: "listening" }));
readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const order = JSON.parse(line);
    if (order.dropAll) for (const session of sessions) session.destroy();
    else if (order.deliver) for (const session of sessions) session.deliver_sm(order.deliver);
    else orders = order;
    say({ event: "ordered" });
}).on("close", () => process.exit(0));
