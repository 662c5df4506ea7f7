/* How tracks are added once, or a playlist is made once (-DCREATE), by workers that may die or freeze
 * anywhere. README.md says what stands for what; run.py says which variants there are.
 *
 * Time is discrete: `tick` lets every deadline come nearer. A worker that is not scheduled while ticks pass
 * is a frozen one. So every pause between any two steps is part of the search.
 */

#ifndef CRASHES
#define CRASHES 2
#endif
#define LEASE 3                     /* lease_s */
#define SEND 1                      /* send_timeout_s: a call is over so many ticks after its bytes left */
#define VISIBLE 1                   /* visibility_delay_s */
#define SETTLED (SEND + VISIBLE + 1) /* "longer than", with discrete ticks */

#ifdef CREATE
#define ALL 1                       /* the one thing to be made: a playlist */
#define NEXT 1
#elif defined(KEYS)
#define ALL 3                       /* two tracks, in one batch at first: keys have states enough of their own */
#define NEXT (ALL & ~written)
#else
#define ALL 7                       /* three tracks */
#define NEXT ((written & 1) == 0 -> (3 & ~written) : ((written & 2) == 0 -> 2 : 4)) /* batches of two */
#endif

/* Postgres */
byte written;                       /* bit n: item n is known to stand in the target */
bool is_finished;
byte lease_left;                    /* of the open job; 0: anybody may take it */
byte run_in;                        /* its run_at */
bool is_declared;                   /* the open job has an intent */
bool is_found;                      /* whose writer is known to be gone */
byte declared;                      /* what the intent is about */
byte age;                           /* of the intent, or since it was found */

/* Who believes what. is_owner: job and epoch are the open job's; is_same_job: the job is, the epoch may not. */
bool is_owner[2];
bool is_same_job[2];
bool is_busy[2];                    /* its heart beats */
byte local_left[2];                 /* its lease by its own monotonic clock */

/* The network: one request per worker */
byte sent[2];
byte send_left[2];
bool is_awaited[2];
byte answer[2];
#define NONE 0
#define OK 1
#define REFUSED 2

#ifdef KEYS
/* Idempotency keys. Of the three that can matter at once, two may be under way. */
byte behind;                        /* attempts since the one that declared the intent: 0, 1, 2 for more */
byte key;                           /* the intent's */
byte sent_key[2];
byte done_under[3];                 /* what the platform has done under a key */
bool knows[3];
byte named[2];                      /* what an answer says was done */
#define IS_FREE(k) ((sent[0] == 0 || sent_key[0] != k) && (sent[1] == 0 || sent_key[1] != k))
#define NEW_NAME key = (IS_FREE(0) -> 0 : (IS_FREE(1) -> 1 : 2)); knows[key] = false; done_under[key] = 0
#define DECLARED_NOW behind = 0; NEW_NAME
#define TAKEN behind = (is_declared && behind < 2 -> behind + 1 : behind)
#define IS_REPEATABLE (behind == 1 && !is_found)
#ifdef OTHER_KEY
#define NAMED NEW_NAME; sent_key[w] = key
#else
#define NAMED sent_key[w] = key
#endif
#ifdef WITHDRAW_ALWAYS
#define IS_FIRST true
#else
#define IS_FIRST (behind == 0)      /* what refuses a second send says nothing about the first */
#endif
#define TELLS_ALL (named[w] == batch)
/* What no longer matters is forgotten, so that fewer states differ. */
#define FORGET(k) knows[k] = (IS_FREE(k) -> false : knows[k]); done_under[k] = (IS_FREE(k) -> 0 : done_under[k])
#define CLOSED behind = 0; key = 0; FORGET(0); FORGET(1); FORGET(2)
#define HEARD named[w] = 0
#else
#define CLOSED skip
#define HEARD skip

#define DECLARED_NOW skip
#define TAKEN skip
#define IS_REPEATABLE false
#define NAMED skip
#define IS_FIRST true
#define TELLS_ALL true
#endif

/* The platform */
byte applied;                       /* items that stand in the target */
byte unseen;                        /* of these, the ones that reads do not show yet */
byte unseen_left;

/* Redis: an entry that wakes a worker up. The sweeper makes one whenever a row needs it. */
bool has_entry = true;

byte crashes;
byte freezes;
bool twice;                         /* something was applied that stood there already */
bool lost;                          /* the end was reported and something is missing */
bool stale;                         /* a worker that had been replaced changed a row */

/* The fence: is a change by w let through? Without it, any change to a job that is still open is. */
#ifdef NO_FENCE
#define MAY_CHANGE(w) (is_same_job[w])
#define NOTE_CHANGE(w) stale = stale || !is_owner[w]
#else
#define MAY_CHANGE(w) (is_owner[w])
#define NOTE_CHANGE(w) assert(is_owner[w])
#endif

#ifdef NO_SWEEPER
#define IS_WOKEN has_entry
#else
#define IS_WOKEN true
#endif

#define MAY_DIE :: atomic { crashes < CRASHES -> crashes++; goto dead }

inline close_job() {                /* job done, the next one open: nobody's epoch fits it */
    is_declared = false; is_found = false; declared = 0; age = 0;
    lease_left = 0; run_in = 0;
    is_owner[0] = false; is_owner[1] = false;
    is_same_job[0] = false; is_same_job[1] = false;
    has_entry = true; CLOSED
}

proctype worker(bit w) {
    byte batch, seen;

idle:
    batch = 0; seen = 0;
    if
    :: is_finished -> goto end
    :: atomic { !is_finished && IS_WOKEN && lease_left == 0 && run_in == 0 ->
           lease_left = LEASE; local_left[w] = LEASE;
           is_owner[w] = true; is_owner[1 - w] = false; is_same_job[w] = true; is_busy[w] = true; TAKEN }
    fi;

    if                              /* load the transfer, look for an intent */
    :: atomic { is_same_job[w] && is_declared && IS_REPEATABLE -> batch = declared; goto send }
    :: atomic { is_same_job[w] && is_declared && !IS_REPEATABLE -> batch = declared; goto settle }
    :: atomic { !(is_same_job[w] && is_declared) && written != ALL -> batch = NEXT }
    :: atomic { !(is_same_job[w] && is_declared) && written == ALL -> goto finish }
    MAY_DIE
    fi;

declare:
#ifndef NO_INTENT
    if
    :: atomic { MAY_CHANGE(w) && !is_declared -> NOTE_CHANGE(w);
           is_declared = true; is_found = false; declared = batch; age = 0; DECLARED_NOW }
#ifdef NO_FENCE
    :: atomic { !is_same_job[w] -> stale = true } /* an intent of a job that is done: nobody reads it */
    :: atomic { is_same_job[w] && is_declared -> goto stop } /* one intent per job: the key is taken */
#else
    :: atomic { !MAY_CHANGE(w) || is_declared -> goto stop }
#endif
    MAY_DIE
    fi;
#endif

#ifdef EARLY_CHECKPOINT
    if
    :: atomic { MAY_CHANGE(w) -> NOTE_CHANGE(w); written = written | batch }
    :: atomic { !MAY_CHANGE(w) -> goto stop }
    MAY_DIE
    fi;
#endif

send:
#ifdef NO_GATE
    if                              /* the lease is looked at, then anything may happen */
    :: atomic { local_left[w] > SEND -> skip }
    :: atomic { local_left[w] <= SEND -> goto stop }
    MAY_DIE
    fi;
    if
    :: atomic { sent[w] == 0 -> sent[w] = batch; send_left[w] = SEND; is_awaited[w] = true }
    MAY_DIE
    fi;
#else
    if                              /* the gate: look and send are one */
    :: atomic { local_left[w] > SEND && sent[w] == 0 ->
           NAMED; sent[w] = batch; send_left[w] = SEND; is_awaited[w] = true }
    :: atomic { local_left[w] <= SEND -> goto stop }
    MAY_DIE
    fi;
#endif

    if
    :: atomic { answer[w] == OK && TELLS_ALL -> answer[w] = NONE; HEARD; is_awaited[w] = false; seen = batch }
    :: atomic { answer[w] == OK && !TELLS_ALL -> answer[w] = NONE; HEARD; is_awaited[w] = false; goto release }
    :: atomic { answer[w] == REFUSED && IS_FIRST -> answer[w] = NONE; HEARD; is_awaited[w] = false; goto withdraw }
    :: atomic { answer[w] == REFUSED && !IS_FIRST -> answer[w] = NONE; HEARD; is_awaited[w] = false; goto release }
    :: atomic { answer[w] == NONE -> is_awaited[w] = false; goto release } /* time-out, reset: unknown */
    MAY_DIE
    fi;

checkpoint:
#ifdef ACK_FIRST
    if
    :: atomic { true -> has_entry = false }
    MAY_DIE
    fi;
#endif
    if
    :: atomic { MAY_CHANGE(w) -> NOTE_CHANGE(w); written = written | seen; close_job(); goto done }
#ifdef NO_FENCE
    :: atomic { !is_same_job[w] -> stale = true; written = written | seen; goto done }
#else
    :: atomic { !MAY_CHANGE(w) -> goto stop }
#endif
    MAY_DIE
    fi;

withdraw:                           /* a refusal that promises that nothing was done */
    if
    :: atomic { MAY_CHANGE(w) -> NOTE_CHANGE(w); is_declared = false; declared = 0; age = 0 }
    :: atomic { !MAY_CHANGE(w) -> goto stop }
    MAY_DIE
    fi;
    goto release;

settle:                             /* an open intent: never send, find out */
#ifndef NO_WAIT
#ifndef WAIT_FROM_DECLARED
    if
    :: atomic { MAY_CHANGE(w) && !is_found -> NOTE_CHANGE(w); is_found = true; age = 0 }
    :: atomic { MAY_CHANGE(w) && is_found -> skip }
    :: atomic { !MAY_CHANGE(w) -> goto stop }
    MAY_DIE
    fi;
#endif
    if
    :: atomic { age < SETTLED -> goto wait }
    :: atomic { age >= SETTLED -> skip }
    MAY_DIE
    fi;
#endif
    if                              /* read back */
    :: atomic { true -> seen = batch & applied & ~unseen }
    MAY_DIE
    fi;
#ifdef CREATE
    if                              /* no marker: this execution goes on to make the playlist */
    :: atomic { seen == 0 && MAY_CHANGE(w) -> NOTE_CHANGE(w);
           is_declared = false; is_found = false; declared = 0; age = 0; goto declare }
    :: atomic { seen == 0 && !MAY_CHANGE(w) -> goto stop }
    :: atomic { seen != 0 -> goto checkpoint }
    MAY_DIE
    fi;
#else
    goto checkpoint;
#endif

wait:
    if
    :: atomic { MAY_CHANGE(w) -> NOTE_CHANGE(w); lease_left = 0;
           run_in = (age < SETTLED -> SETTLED - age : 0); goto done }
    :: atomic { !MAY_CHANGE(w) -> goto stop }
    MAY_DIE
    fi;

release:
    if
    :: atomic { MAY_CHANGE(w) -> NOTE_CHANGE(w); lease_left = 0; run_in = 0; goto done }
    :: atomic { !MAY_CHANGE(w) -> goto stop }
    MAY_DIE
    fi;

finish:
    if
    :: atomic { MAY_CHANGE(w) && written == ALL -> NOTE_CHANGE(w);
           is_finished = true; lost = (applied != ALL); close_job() }
    :: atomic { !MAY_CHANGE(w) || written != ALL -> goto stop }
    MAY_DIE
    fi;

done:                               /* settled: the next look starts afresh */
stop:                               /* fenced or stopped by the gate: change nothing, acknowledge nothing */
dead:                               /* killed, and started again */
    atomic { is_busy[w] = false; is_owner[w] = false; is_same_job[w] = false; is_awaited[w] = false;
        answer[w] = NONE; HEARD; local_left[w] = 0; batch = 0; seen = 0; goto idle };
end:
    skip
}

#define PASS(left) left = (left > 0 -> left - 1 : 0)
#define WAITS (!is_busy[0] && !is_busy[1] && (lease_left > 0 || run_in > 0))

inline apply(what) {
    twice = twice || ((applied & (what)) != 0);
    applied = applied | (what);
    unseen = unseen | (what); unseen_left = VISIBLE
}

inline arrive(w, what) {
#ifdef KEYS
    skip;
    if
    :: knows[sent_key[w]] -> skip   /* done before: its answer is given once more */
    :: else -> apply(what); knows[sent_key[w]] = true; done_under[sent_key[w]] = what
    fi;
    named[w] = done_under[sent_key[w]];
#else
    apply(what);
#endif
    sent[w] = 0
}

proctype world() {
    bit w;
    do
    :: is_finished && sent[0] == 0 && sent[1] == 0 -> break

    :: d_step {                     /* time passes */
#ifdef TIMELY
        /* After some freezes everybody is in time: what cannot wait happens before time passes. */
        (WAITS && sent[0] == 0 && sent[1] == 0) || freezes < FREEZES ->
        if
        :: WAITS && sent[0] == 0 && sent[1] == 0 -> skip
        :: else -> freezes++
        fi;
#endif
        PASS(lease_left); PASS(run_in); PASS(local_left[0]); PASS(local_left[1]);
        age = (is_declared && age < SETTLED -> age + 1 : age);
        unseen = (unseen_left == 0 -> 0 : unseen); PASS(unseen_left);
        sent[0] = (send_left[0] == 0 -> 0 : sent[0]); PASS(send_left[0]);
        sent[1] = (send_left[1] == 0 -> 0 : sent[1]); PASS(send_left[1]);
       }

    :: atomic { unseen != 0 -> unseen = 0; unseen_left = 0 }

#ifndef TIMELY
    /* A heartbeat renews a lease, long before its end or just after it. */
    :: d_step { is_busy[0] && MAY_CHANGE(0) -> lease_left = LEASE; local_left[0] = LEASE }
    :: d_step { is_busy[1] && MAY_CHANGE(1) -> lease_left = LEASE; local_left[1] = LEASE }
#endif

    :: atomic { sent[0] != 0 || sent[1] != 0 ->
        if
        :: sent[0] != 0 -> w = 0
        :: sent[1] != 0 -> w = 1
        fi;
        if
        :: arrive(w, sent[w]); answer[w] = (is_awaited[w] -> OK : NONE)
#ifdef TIMELY
        :: freezes < FREEZES -> freezes++; sent[w] = 0
        :: freezes < FREEZES -> freezes++; sent[w] = 0; answer[w] = (is_awaited[w] -> REFUSED : NONE)
#else
        :: sent[w] = 0; answer[w] = (is_awaited[w] -> REFUSED : NONE)
        /* All of it, part of it or nothing arrives, and nobody hears of it. */
        :: arrive(w, sent[w])
        :: sent[w] == 3 -> arrive(w, 1)
        :: sent[w] = 0
#endif
        fi;
        w = 0
       }
    od
}

init { atomic { run worker(0); run worker(1); run world() } }

ltl once { [] !twice }
ltl kept { [] !lost }
ltl fenced { [] !stale }
ltl safe { [] (!twice && !lost && !stale) }
ltl ends { <> is_finished }
